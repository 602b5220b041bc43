"""The planner: what a wished power or margin takes, what it costs, and whether this plan can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db import transaction

from studies.analysis.plan import plan_from
from studies.analysis.planning import Assumptions, Design, Power, Requirement, planned_power, require
from studies.domain.designs import pairs_per_prompt
from studies.files import editing
from studies.files.editing import SECTIONS
from studies.models import Study

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


def plan(study: Study, given: Mapping[str, Any]) -> Planned:
    """Return what this draft's design can show, and what would make it enough.

    ``given`` holds what `PlannerForm` asks. Raises `RefusalError` where nothing can be reckoned.
    """
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


@transaction.atomic
def fill_in(study: Study, given: Mapping[str, Any], planned: Planned, *, actor: str) -> None:
    """Write k, the quota and what is expected into the draft: all three, or none."""
    collection, analysis = SECTIONS["collection"], SECTIONS["analysis"]
    numbers = {"overlap": given["overlap"], "quota": max(planned.each, 1)}
    editing.store_section(study, collection, editing.section_data(study, collection) | numbers, actor=actor)
    said = editing.section_data(study, analysis).get("analysis", {})
    expected = {key: given[key] for key in _EXPECTED}
    editing.store_section(study, analysis, {"analysis": said | {"expected": expected}}, actor=actor)
