"""The list of studies, a study's page, and its part that refreshes itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generation import holding
from generation.models import Checkpoint
from generation.requests import progress
from studies import queries
from studies.domain.access import visible_studies
from studies.domain.additions import addition_progress
from studies.domain.erasure import kept_until
from studies.domain.estimates import estimate
from studies.domain.invites import annotators_link
from studies.domain.lifecycle import settle
from studies.enums import Ability, StudyStatus
from studies.models import Study
from studies.queries.guidance import idle_guidance
from studies.views.access import signed_in, study_view
from studies.views.generating import panel
from studies.views.keeping import kept
from studies.views.moves import MOVES
from studies.views.next_step import next_step, next_title, watched_step
from studies.views.watching import watched

_POLL = {StudyStatus.GENERATING: "2s", StudyStatus.OPEN: "5s", StudyStatus.PAUSED: "15s"}
"""How often the page refreshes itself; in other states nothing changes by itself."""
_SHOWN, _EVENTS = 50, 12
"""Prompts and events on the page; the pairs browser, the files and the log hold them all."""


@require_safe
@signed_in
def study_list(request: HttpRequest) -> HttpResponse:
    """Show the visitor's studies with their next steps."""
    mine = visible_studies(request.user)
    for study in mine.filter(status=StudyStatus.GENERATING):
        settle(study)
    held = holding.held()
    rows = [
        (
            row,
            next_title(row.study, row.slots, broken=row.completions.failed > 0, held=row.study.key in held),
        )
        for row in queries.study_rows(mine)
    ]
    archived = [(row, title) for row, title in rows if row.study.status == StudyStatus.ARCHIVED]
    others = [(row, title) for row, title in rows if row.study.status != StudyStatus.ARCHIVED]
    return render(request, "dashboard/list.html", {"rows": others, "archived": archived})


@require_safe
@study_view(Ability.SEE_PROGRESS)
def study_page(request: HttpRequest, study: Study) -> HttpResponse:
    """Show a study's state, and its design and log to those who may see them."""
    context = _live(study) | {
        "tab": "overview",
        "idle": idle_guidance(study) if study.status == StudyStatus.DRAFT else 0,
        "arms": study.arms.select_related("checkpoint"),
        "costs": _costs(study),
        "answers": _answers(study),
        "criteria": study.criteria.all(),
        "prompts": study.prompts.all()[:_SHOWN],
        "kept_until": kept_until(study),
    }
    return render(request, "dashboard/study.html", context)


def _answers(study: Study) -> tuple[queries.ArmAnswers, ...]:
    """Return how often the arms are right: a result, hence only of a study that is closed."""
    answers = queries.arm_answers(study) if study.unblinded else ()
    return answers if any(arm.asked for arm in answers) else ()


def _costs(study: Study) -> tuple[queries.ArmCost, ...]:
    """Return what the arms' completions cost so far; nothing before there are any."""
    costs = queries.arm_costs(study)
    return costs if any(cost.completions for cost in costs) else ()


@require_safe
@study_view(Ability.SEE_PROGRESS)
def study_progress(request: HttpRequest, study: Study) -> HttpResponse:
    """Return the refreshed part."""
    return render(request, "dashboard/parts/live.html", _live(study) | {"refreshed": True})


def _live(study: Study) -> dict[str, Any]:
    slots = queries.slot_counts([study])[study.pk]
    generation = progress(study.key)
    unprepared = study.arms.filter(checkpoint__status=Checkpoint.Status.FAILED).exists()
    broken = unprepared or generation.failed > 0
    size = estimate(study)
    return {
        "study": study,
        "size": size,
        "slots": slots,
        "generation": generation,
        "unprepared": unprepared,
        "median_ms": kept(study, "median", lambda: queries.median_active_ms(study)),
        "title": next_title(study, slots, broken=broken, held=generation.paused),
        "step": next_step(study, slots, size, broken=broken, held=generation.paused),
        "watched_step": watched_step(study),
        "adding": addition_progress(study),
        "retry": MOVES["retry"],
        "panel": panel(study) if study.status == StudyStatus.GENERATING else None,
        "poll": _POLL.get(StudyStatus(study.status)),
        "link": annotators_link(study),
        "events": study.events.order_by("-id")[:_EVENTS],
        **watched(study),
    }
