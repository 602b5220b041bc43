"""More judgments of each comparison, or more prompts, than planned: the frozen plan stays beside it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from generation import requests
from generation.models import GIVEN
from studies.analysis.plan import GROUP_SEQUENTIAL, plan_from
from studies.domain.audit import canonical, record_event, sha256
from studies.domain.errors import StudyError
from studies.domain.lifecycle import completion_requests, lock_study, require
from studies.domain.pairing import add_slots
from studies.domain.plan import prompt_entry
from studies.enums import StudyStatus
from studies.models import Prompt, Study

ACTION = "study.extended"
ADDED = "study.prompts_added"
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


@transaction.atomic
def add_prompts(*, study: Study, prompts: Sequence[Prompt], reason: str, actor: str) -> Study:
    """Have the arms answer more ``prompts`` than planned, which are judged like the others once written.

    Raises
    ------
    StudyError
        The study does not collect, no reason is given, the plan is group-sequential, or completions of
        an arm are imported rather than written.
    """
    study = lock_study(study)
    require(study, StudyStatus.OPEN, StudyStatus.PAUSED, verb="extended")
    refuse_extension(study)
    refuse_addition(study)
    if not reason.strip():
        raise StudyError("An extension deviates from the plan and needs a reason: the report quotes it.")
    before = study.prompts.count()
    study.additions += 1
    study.save(update_fields=["additions"])
    for prompt in prompts:
        prompt.study, prompt.addition = study, study.additions
    Prompt.objects.bulk_create(prompts, batch_size=1_000)
    requests.request_completions(study.key, completion_requests(study, addition=study.additions))
    record_event(
        actor=actor,
        action=ADDED,
        study=study,
        before={"prompts": before},
        after={
            "prompts": before + len(prompts),
            "addition": study.additions,
            "document": sha256(canonical([prompt_entry(prompt) for prompt in prompts])),
            "reason": reason.strip(),
        },
    )
    return study


def refuse_addition(study: Study) -> None:
    """Refuse where nobody would write what is added."""
    given = study.arms.filter(checkpoint__source__startswith=GIVEN).values_list("name", flat=True)
    if given:
        raise StudyError(
            f"The completions of {', '.join(given)} were imported, so no worker can write more of them: "
            "start a new study for more prompts."
        )


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
