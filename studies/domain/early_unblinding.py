"""Unblinding a study before it is closed: once and for all, with a reason that the report quotes."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import lock_study, require
from studies.enums import StudyStatus
from studies.models import Study

ACTION = "study.unblinded_early"


@transaction.atomic
def unblind_early(*, study: Study, reason: str, confirmed: str, actor: str) -> Study:
    """Let everybody who may see the results see them now; ``confirmed`` is the study's name, typed.

    Raises
    ------
    StudyError
        The study does not collect, is unblinded already, no reason is given, or the name is another.
    """
    study = lock_study(study)
    require(study, StudyStatus.OPEN, StudyStatus.PAUSED, verb=_("unblinded early"))
    if study.unblinded_at is not None:
        raise StudyError(gettext("“%(study)s” is unblinded already.") % {"study": study.slug})
    if not reason.strip():
        raise StudyError(
            gettext("Unblinding early needs a reason: the log keeps it and the report quotes it.")
        )
    if confirmed.strip() != study.slug:
        raise StudyError(
            gettext("Type “%(study)s” to confirm: “%(given)s” is something else.")
            % {"study": study.slug, "given": confirmed.strip()}
        )
    study.unblinded_at = timezone.now()
    study.save(update_fields=["unblinded_at"])
    so_far = study.assignments.filter(submitted_at__isnull=False).count()
    record_event(
        actor=actor,
        action=ACTION,
        study=study,
        after={"reason": reason.strip(), "comparisons_answered": so_far},
    )
    return study
