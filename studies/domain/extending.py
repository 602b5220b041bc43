"""More judgments of each comparison than planned: the frozen plan stays, the extension stands beside it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.analysis.plan import GROUP_SEQUENTIAL, plan_from
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import lock_study, require
from studies.domain.pairing import add_slots
from studies.enums import StudyStatus
from studies.models import Study

ACTION = "study.extended"
MOST = 100
"""Judgments of one comparison: no study needs more, and a slip of the finger asks for less."""


@transaction.atomic
def extend_study(*, study: Study, overlap: int, reason: str, actor: str) -> Study:
    """Let each comparison be judged ``overlap`` times in all: a deviation from the plan, with its reason.

    Raises
    ------
    StudyError
        The study does not collect, the number is not larger than now, no reason is given, or the plan
        is group-sequential.
    """
    study = lock_study(study)
    require(study, StudyStatus.OPEN, StudyStatus.PAUSED, verb=_("extended"))
    refuse_extension(study)
    before = study.judgments_each
    if not before < overlap <= MOST:
        raise StudyError(
            gettext(
                "Each comparison of “%(study)s” is judged %(before)s times now: the new "
                "number has to be larger, and at most %(MOST)s."
            )
            % {"study": study.slug, "before": before, "MOST": MOST}
        )
    if not reason.strip():
        raise StudyError(
            gettext("An extension deviates from the plan and needs a reason: the report quotes it.")
        )
    study.extension = overlap - study.overlap
    study.save(update_fields=["extension"])
    rows = add_slots(study, known=before)
    record_event(
        actor=actor,
        action=ACTION,
        study=study,
        before={"overlap": before},
        after={"overlap": overlap, "rows": rows, "reason": reason.strip()},
    )
    return study


def refuse_extension(study: Study) -> None:
    """Refuse what would break the error rate that the plan promised."""
    if plan_from(study.analysis).interim.method == GROUP_SEQUENTIAL:
        raise StudyError(
            gettext(
                "The plan of “%(study)s” is group-sequential: the boundaries of its looks "
                "rest on the planned number of judgments, so it cannot be extended. Plan "
                "anytime-valid looks where that may be wanted."
            )
            % {"study": study.slug}
        )
