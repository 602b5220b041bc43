"""Flags that analysis reads: who is left out, by which named rule, and why. Nothing is deleted."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import StudyStatus
from studies.models import Annotator, Exclusion, Study

RULES: dict[str, str] = {
    "failed-checks": _("Failed the attention checks"),
    "too-fast": _("Answered faster than the responses can be read"),
    "straight-lining": _("Gave the same answer throughout"),
    "inconsistent": _("Contradicted themselves when a pair came again with its sides swapped"),
    "disagreeing": _("Agreed too little with the others who judged the same pairs"),
    "withdrew": _("Asked to have their answers left out"),
    "duplicate-person": _("Took part before under another name"),
    "technical-problem": _("Could not see the responses as they were meant"),
    "protocol-deviation": _("Another deviation from the protocol, told in the reason"),
}
"""The named rules and their words."""


def exclude_annotator(*, annotator: Annotator, rule: str, reason: str, actor: str) -> Exclusion:
    """Leave an annotator's judgments out of the analysis. The report shows results with and without."""
    if rule not in RULES:
        message = gettext("There is no exclusion rule “%(rule)s”. The rules are: %(names)s.") % {
            "rule": rule,
            "names": ", ".join(RULES),
        }
        raise StudyError(message)
    if not reason.strip():
        message = gettext("An exclusion needs a reason: the report quotes it.")
        raise StudyError(message)
    try:
        with transaction.atomic():
            study = _writable(annotator.study_id)
            exclusion = Exclusion.objects.create(
                study=study,
                annotator=annotator,
                rule=rule,
                reason=reason.strip(),
                created_by=get_user_model().objects.filter(username=actor).first(),
            )
            record_event(
                actor=actor, action="annotator.excluded", study=study, after=_account(exclusion, annotator)
            )
    except IntegrityError as error:
        message = gettext("%(pseudonym)s is excluded by this rule already.") % {
            "pseudonym": annotator.pseudonym
        }
        raise StudyError(message) from error
    return exclusion


@transaction.atomic
def revoke_exclusion(*, exclusion: Exclusion, actor: str) -> Exclusion:
    """Count the judgments again. The exclusion stays in the tables, with the time it ended."""
    exclusion = Exclusion.objects.select_for_update().get(pk=exclusion.pk)
    study = _writable(exclusion.study_id)
    if exclusion.revoked_at is not None:
        message = gettext("This exclusion has been revoked already.")
        raise StudyError(message)
    exclusion.revoked_at = timezone.now()
    exclusion.save(update_fields=["revoked_at"])
    record_event(
        actor=actor,
        action="annotator.included",
        study=study,
        before=_account(exclusion, exclusion.annotator),
    )
    return exclusion


def _writable(pk: int) -> Study:
    study = Study.objects.select_for_update().get(pk=pk)
    if study.status == StudyStatus.ARCHIVED:
        message = gettext("“%(study)s” is archived: it can be read, not changed.") % {"study": study.slug}
        raise StudyError(message)
    return study


def _account(exclusion: Exclusion, annotator: Annotator | None) -> dict[str, Any]:
    return {
        "annotator": annotator.pseudonym if annotator else None,
        "rule": exclusion.rule,
        "reason": exclusion.reason,
    }
