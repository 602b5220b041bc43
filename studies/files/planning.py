"""The planner: what a wished power or margin takes, what it costs, and whether this plan can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from django.db import transaction

from studies.analysis.plan import GATEKEEPING, plan_from
from studies.analysis.planning import Assumptions, Design, Power, Requirement, planned_power, require
from studies.domain.designs import Pair, pairs_per_prompt
from studies.domain.own_rows import most_own_rows
from studies.domain.wanted import compared
from studies.files import editing
from studies.files.editing import SECTIONS
from studies.models import Study

_VARIED = ("prompts", "annotators", "per_prompt")
_EXPECTED = ("win_rate", "tie_rate", "rho_annotators", "rho_prompts", "annotators")


@dataclass(frozen=True, slots=True)
class Family:
    """The tests that the plan corrects for."""

    pairs: int
    """Pairs of arms that are a question: an A/A control is none."""
    tests: int
    """Over how many tests the correction is."""
    level: float
    """The strictest level that a pair's test on the primary criterion may have to pass."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the planner answers."""

    now: Power
    """Of each pair of arms on the primary criterion: the power at the strictest level of the family."""
    family: Family
    uncorrected: float
    """The power at the plan's alpha, as if this pair and criterion were the only question."""
    together: float
    """The least probability that every pair is shown: Bonferroni's inequality."""
    ways: list[tuple[str, Requirement]]
    enough: bool
    judgments: int
    each: int
    """Comparisons that an annotator has to be given."""
    minutes: float
    """Active minutes of an annotator, attention checks and repeats included."""
    hours: float
    """Active hours of all annotators."""
    cost: float
    fair_cost: float
    underpaid: bool


def plan(study: Study, given: Mapping[str, Any]) -> Planned:
    """Return what this draft's design can show, and what would make it enough.

    ``given`` holds what `PlannerForm` asks. Raises `RefusalError` where nothing can be reckoned.
    """
    alpha, family = plan_from(study.analysis).alpha, family_of(study)
    rho = given["rho_annotators"], given["rho_prompts"]
    plain = Assumptions(given["win_rate"], given["tie_rate"], *rho, alpha=alpha)
    strict = replace(plain, alpha=family.level)
    design = _of_a_pair(study, given)
    # Tests are corrected; the intervals of single pairs are the plan's.
    alone = planned_power(plain, design)
    now = replace(planned_power(strict, design), margin=alone.margin)
    powerful = given["wish"] == "power"
    enough = now.power >= given["power"] if powerful else now.margin <= given["margin"]
    wish = {given["wish"]: given[given["wish"]]}
    wished = strict if powerful else plain
    ways = [] if enough else [(vary, _way(study, wished, design, vary, wish)) for vary in _VARIED]
    judgments = _pairs_in_all(study) * given["overlap"]
    each = ceil(judgments / given["annotators"])
    hours = (judgments + most_own_rows(study) * given["annotators"]) * given["seconds"] / 3_600
    return Planned(
        now=now,
        family=family,
        uncorrected=alone.power,
        together=max(0.0, 1 - family.pairs * (1 - now.power)),
        ways=ways,
        enough=enough,
        judgments=judgments,
        each=each,
        minutes=(each + most_own_rows(study)) * given["seconds"] / 60,
        hours=hours,
        cost=hours * given["hourly"],
        fair_cost=hours * given["fair"],
        underpaid=given["hourly"] < given["fair"],
    )


def family_of(study: Study) -> Family:
    """Return the tests that the study's plan corrects for, as its report will.

    Holm's family is every pair of arms on every criterion, and its first step is the strictest. Tests in a
    fixed order share the level among the pairs alone, since the primary criterion is tested first.
    """
    said = plan_from(study.analysis)
    kinds = _kinds(study)
    controls = {place for place, arm in enumerate(study.arms.all()) if arm.control}
    asked = max(1, sum(candidate not in controls for candidate, _ in kinds))
    tests = asked if said.multiplicity == GATEKEEPING else max(1, len(kinds) * study.criteria.count())
    return Family(pairs=asked, tests=tests, level=said.alpha / tests)


def _of_a_pair(study: Study, given: Mapping[str, Any]) -> Design:
    """Return the design as one pair of arms has it: where pairs are drawn, it meets some prompts only."""
    prompts = study.prompts.count()
    units = max(1, _pairs_in_all(study) // max(1, len(_kinds(study))))
    met = min(prompts, units)
    judged = given["overlap"] * units // met
    # Nor does every annotator meet every pair, where there are more annotators than judgments of it.
    annotators = given["annotators"] if met == prompts else min(given["annotators"], met * judged)
    return Design(annotators, met, judged)


def _kinds(study: Study) -> set[Pair]:
    """Return the pairs of arms that are compared anywhere."""
    return {pair for unit in compared(study) for pair in unit}


def _pairs_in_all(study: Study) -> int:
    return pairs_per_prompt(study.arms.count(), study.design) * study.prompts.count() * study.replicates


def _way(
    study: Study, wished: Assumptions, design: Design, vary: str, wish: Mapping[str, float]
) -> Requirement:
    """Return what reaches the wish; prompts are told as the whole study needs them."""
    found = require(wished, design, vary=vary, **wish)
    if vary != "prompts" or found.value is None or design.prompts == study.prompts.count():
        return found
    in_all = ceil(found.value * study.prompts.count() / design.prompts)
    return replace(found, value=in_all, verdict=f"{in_all:,} prompts reach it.")


@transaction.atomic
def fill_in(study: Study, given: Mapping[str, Any], planned: Planned, *, actor: str) -> None:
    """Write k, the quota and what is expected into the draft: all three, or none."""
    collection, analysis = SECTIONS["collection"], SECTIONS["analysis"]
    numbers = {"overlap": given["overlap"], "quota": max(planned.each, 1)}
    editing.store_section(study, collection, editing.section_data(study, collection) | numbers, actor=actor)
    said = editing.section_data(study, analysis).get("analysis", {})
    expected = {key: given[key] for key in _EXPECTED}
    editing.store_section(study, analysis, {"analysis": said | {"expected": expected}}, actor=actor)
