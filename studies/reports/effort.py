"""How the completions came about: what each arm cost, what the quality scan saw, what left the plan."""

from __future__ import annotations

from dataclasses import dataclass

from studies.enums import Kind
from studies.models import Study
from studies.queries.answers import ArmAnswers, arm_answers
from studies.queries.cost import ArmCost, arm_costs
from studies.queries.scan import scan


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How many responses have a flag."""

    flag: str
    responses: int


@dataclass(frozen=True, slots=True)
class ArmQuality:
    """What the quality scan saw in the responses of one arm."""

    arm: str
    responses: int
    flagged: int
    flags: tuple[FlagCount, ...]


@dataclass(frozen=True, slots=True)
class Effort:
    """The completions as a reader weighs them."""

    cost: tuple[ArmCost, ...]
    quality: tuple[ArmQuality, ...]
    answers: tuple[ArmAnswers, ...]
    comparisons_left_out: int
    """Pairs that a researcher took out of the plan before it was frozen."""
    completions_redrawn: int
    """Completions that were drawn anew before the plan was frozen, counted each time."""


def effort(study: Study) -> Effort:
    """Gather how a study's completions came about."""
    redrawn = [event.after or {} for event in study.events.filter(action="completion.redrawn")]
    return Effort(
        cost=arm_costs(study),
        quality=tuple(
            ArmQuality(
                found.arm,
                found.completions,
                found.flagged,
                tuple(FlagCount(flag, number) for flag, number in found.counts.items()),
            )
            for found in scan(study).by_arm.values()
        ),
        answers=arm_answers(study),
        comparisons_left_out=study.comparisons.filter(kind=Kind.LEFT_OUT).count(),
        completions_redrawn=sum(len(after["completions"]) for after in redrawn),
    )
