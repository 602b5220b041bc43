"""The power that the plan reckoned with, where it says what it expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.analysis.plan import plan_from
from studies.analysis.planning import Assumptions, Design, Power, planned_power
from studies.analysis.refusal import RefusalError


def planned(document: Mapping[str, Any]) -> Power | None:
    """Return the power of a study file's design under what it expects; None where it has none."""
    plan = plan_from(document.get("analysis", {}))
    if plan.expected is None:
        return None
    said = plan.expected
    try:
        return planned_power(
            Assumptions(
                said.win_rate, said.tie_rate, said.rho_annotators, said.rho_prompts, alpha=plan.alpha
            ),
            Design(said.annotators, len(document["prompts"]), document["overlap"] * document["replicates"]),
        )
    except RefusalError:
        return None
