"""The planner: what a wished power or margin takes, what it costs, and whether this plan can answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from studies.analysis.plan import plan_from
from studies.analysis.planning import Assumptions, Design, Power, Requirement, planned_power, require
from studies.analysis.refusal import RefusalError
from studies.domain.designs import pairs_per_prompt
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.files import editing
from studies.files.editing import SECTIONS
from studies.forms.planner import PlannerForm
from studies.models import Study
from studies.views.access import study_view
from studies.views.common import actor_of
from studies.views.editor import locked

_VARIED = ("prompts", "annotators", "per_prompt")
_EXPECTED = ("win_rate", "tie_rate", "rho_annotators", "rho_prompts", "annotators")


@dataclass(frozen=True, slots=True)
class Planned:
    """What the planner answers."""

    now: Power
    ways: list[tuple[str, Requirement]]
    enough: bool
    judgments: int
    each: int
    """Comparisons that an annotator has to be given."""
    minutes: float
    cost: float
    fair_cost: float
    underpaid: bool


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def planner(request: HttpRequest, study: Study) -> HttpResponse:
    """Answer from the address's figures; on request write them into the draft."""
    if (no := locked(request, study)) is not None:
        return no
    given = request.POST if request.method == "POST" else request.GET
    form = PlannerForm(given if "wish" in given else None, initial=_known(study))
    planned: Planned | None = None
    if form.is_valid():
        try:
            planned = plan(study, form.cleaned_data)
            if request.method == "POST":
                _fill_in(study, form.cleaned_data, planned, actor=actor_of(request))
                messages.success(request, "The draft’s k, quota and expectations are as planned.")
                return redirect("studies:edit-section", study.slug, "analysis")
        except (RefusalError, StudyError) as error:
            form.add_error(None, str(error))
    context = {"study": study, "tab": "edit", "sections": SECTIONS.values(), "form": form, "planned": planned}
    return render(request, "dashboard/planner.html", context, status=422 if form.errors else 200)


def _known(study: Study) -> dict[str, Any]:
    """Return what the draft says already."""
    return {"overlap": study.overlap, **study.analysis.get("expected", {})}


def plan(study: Study, given: dict[str, Any]) -> Planned:
    """Return what this draft's design can show, and what would make it enough."""
    alpha = plan_from(study.analysis).alpha
    rho = given["rho_annotators"], given["rho_prompts"]
    assumptions = Assumptions(given["win_rate"], given["tie_rate"], *rho, alpha=alpha)
    design = Design(given["annotators"], study.prompts.count(), given["overlap"] * study.replicates)
    wish = {given["wish"]: given[given["wish"]]}
    now = planned_power(assumptions, design)
    enough = now.power >= given["power"] if given["wish"] == "power" else now.margin <= given["margin"]
    ways = [] if enough else [(vary, require(assumptions, design, vary=vary, **wish)) for vary in _VARIED]
    pairs = pairs_per_prompt(study.arms.count(), study.design) * study.prompts.count() * study.replicates
    judgments = pairs * given["overlap"]
    hours = judgments * given["seconds"] / 3_600
    return Planned(
        now=now,
        ways=ways,
        enough=enough,
        judgments=judgments,
        each=ceil(judgments / given["annotators"]),
        minutes=ceil(judgments / given["annotators"]) * given["seconds"] / 60,
        cost=hours * given["hourly"],
        fair_cost=hours * given["fair"],
        underpaid=given["hourly"] < given["fair"],
    )


def _fill_in(study: Study, given: dict[str, Any], planned: Planned, *, actor: str) -> None:
    """Write k, the quota and what is expected into the draft."""
    collection, analysis = SECTIONS["collection"], SECTIONS["analysis"]
    numbers = {"overlap": given["overlap"], "quota": max(planned.each, 1)}
    editing.store_section(study, collection, editing.section_data(study, collection) | numbers, actor=actor)
    said = editing.section_data(study, analysis).get("analysis", {})
    expected = {key: given[key] for key in _EXPECTED}
    editing.store_section(study, analysis, {"analysis": said | {"expected": expected}}, actor=actor)
