"""Erasing what is known of annotators as persons. Their judgments stay, under their pseudonyms."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import lock_study
from studies.enums import UNBLINDED
from studies.models import Annotator, Judgment, Skip, Study, new_token

ERASED = "(erased)"
"""What stands in place of a reason that may not be empty."""
PERSONAL = (_("external id"), _("session id"), _("completion code"), _("survey answers"))
"""What is erased always, in words."""


def erase_annotator(*, annotator: Annotator, actor: str, reasons: bool = False) -> Annotator:
    """Erase an annotator's personal data; with ``reasons``, also what they wrote in their own words.

    Possible in every status, archived too: whoever asks for it has a right to it. A browser that comes
    back is a stranger afterwards.
    """
    with transaction.atomic():
        study = lock_study(annotator.study)
        annotator = Annotator.objects.select_for_update().get(pk=annotator.pk)
        _erase(annotator, timezone.now())
        if reasons:
            Judgment.objects.filter(assignment__annotator=annotator).exclude(reason="").update(reason="")
            Skip.objects.filter(annotator=annotator).update(reason=ERASED)
        record_event(
            actor=actor,
            action="annotator.erased",
            study=study,
            after={
                "annotator": annotator.pseudonym,
                "erased": [*PERSONAL, *["reasons in their own words"] * reasons],
            },
        )
    return annotator


def _erase(annotator: Annotator, now: datetime) -> None:
    annotator.external_id = annotator.session_id = annotator.code = ""
    annotator.survey = {}
    annotator.token = new_token()
    annotator.erased_at = now
    annotator.save(update_fields=["external_id", "session_id", "code", "survey", "token", "erased_at"])


def typed(annotator: Annotator, text: str) -> None:
    """Refuse an erasure that was not confirmed by the annotator's own pseudonym."""
    if text.strip() != annotator.pseudonym:
        message = gettext("Type %(pseudonym)s to confirm: what is erased cannot be brought back.") % {
            "pseudonym": annotator.pseudonym
        }
        raise StudyError(message)


def personal(study: Study) -> QuerySet[Annotator]:
    """Return the annotators of whom personal data are kept."""
    return study.annotators.filter(erased_at=None).exclude(external_id="", session_id="", code="", survey={})


def kept_until(study: Study) -> datetime | None:
    """Return when the study's personal data are erased; None while it is not closed, or has no such time."""
    if study.retention_days is None or study.closed_at is None:
        return None
    return study.closed_at + timedelta(days=study.retention_days)


def studies_past_retention(now: datetime) -> list[Study]:
    """Return the closed studies whose time is over and of which personal data are left."""
    timed = Study.objects.filter(Q(status__in=UNBLINDED) & Q(retention_days__isnull=False)).order_by("pk")
    over = [study for study in timed.defer("plan") if (until := kept_until(study)) and until <= now]
    return [study for study in over if personal(study).exists()]


def keep_retention(*, actor: str, now: datetime | None = None) -> dict[str, int]:
    """Erase what was kept for as long as its plan allows; return how many annotators, by study."""
    now = now or timezone.now()
    return {
        study.slug: erased
        for study in studies_past_retention(now)
        if (erased := _erase_all(study, actor=actor, now=now))
    }


@transaction.atomic
def _erase_all(study: Study, *, actor: str, now: datetime) -> int:
    study = lock_study(study)
    people = list(personal(study).select_for_update())
    for annotator in people:
        _erase(annotator, now)
    if people:
        told = {"annotators": len(people), "erased": list(PERSONAL), "after_days": study.retention_days}
        record_event(actor=actor, action="annotators.erased", study=study, after=told)
    return len(people)
