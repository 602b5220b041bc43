"""What the completions of each arm cost: tokens, operations, seconds, and how that compares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, Q, Sum

from generation.models import Completion
from studies.models import Arm, Study


@dataclass(frozen=True, slots=True)
class ArmCost:
    """The cost of one arm's finished completions. What is not known is None, never zero."""

    arm: str
    role: str
    """``baseline``, ``control`` or ``candidate``."""
    completions: int
    measured: int
    """Completions whose operations are known; of imported ones they often are not."""
    tokens: int
    """Tokens written."""
    mean_tokens: float | None
    forward_flops: float | None
    """Floating-point operations of the forward passes, of the measured completions together."""
    mean_forward_flops: float | None
    seconds: float | None
    """The seconds that each completion was in flight, added up; those of one batch overlap."""
    mean_seconds: float | None
    flops_per_token: float | None
    """Operations per token written."""
    flops_ratio: float | None = None
    """Mean operations of a completion over the baseline's."""
    token_flops_ratio: float | None = None
    """Operations per token over the baseline's, which lengths do not change."""


def arm_costs(study: Study) -> tuple[ArmCost, ...]:
    """Return the cost of each arm, in the study's order: two questions however many completions."""
    known, timed = Q(forward_flops__gt=0), Q(seconds__gt=0)
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE).order_by()
    # The means come first: once a sum has a column's name, that column cannot be asked for.
    rows = done.values("arm_key").annotate(
        completions=Count("pk"),
        measured=Count("pk", filter=known),
        mean_tokens=Avg("token_count"),
        mean_forward_flops=Avg("forward_flops", filter=known),
        mean_seconds=Avg("seconds", filter=timed),
        measured_tokens=Sum("token_count", filter=known),
        tokens=Sum("token_count"),
        forward_flops=Sum("forward_flops", filter=known),
        seconds=Sum("seconds", filter=timed),
    )
    found: dict[UUID, dict[str, Any]] = {row["arm_key"]: dict(row) for row in rows}
    return _compared([_cost(arm, found) for arm in study.arms.all()])


def _cost(arm: Arm, found: dict[UUID, dict[str, Any]]) -> ArmCost:
    role = "baseline" if arm.baseline else "control" if arm.control else "candidate"
    row = found.get(arm.key)
    if row is None:
        return ArmCost(arm.name, role, 0, 0, 0, None, None, None, None, None, None)
    del row["arm_key"]
    tokens = row.pop("measured_tokens")
    per_token = row["forward_flops"] / tokens if tokens else None
    return ArmCost(arm=arm.name, role=role, flops_per_token=per_token, **row)


def _compared(costs: Iterable[ArmCost]) -> tuple[ArmCost, ...]:
    listed = tuple(costs)
    # A draft may have no baseline yet, and then there is nothing to be compared with.
    baseline = next((cost for cost in listed if cost.role == "baseline"), None)
    if baseline is None:
        return listed
    return tuple(
        replace(
            cost,
            flops_ratio=_over(cost.mean_forward_flops, baseline.mean_forward_flops),
            token_flops_ratio=_over(cost.flops_per_token, baseline.flops_per_token),
        )
        for cost in listed
    )


def _over(value: float | None, base: float | None) -> float | None:
    return value / base if value and base else None
