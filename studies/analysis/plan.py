"""What a study fixes of its analysis before there are judgments, and the defaults where it is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOLM, GATEKEEPING = "holm", "gatekeeping"
MULTIPLICITY = (HOLM, GATEKEEPING)
"""All tests corrected together, or criteria tested in order, each only after the one before was shown."""
NO_LOOKS, GROUP_SEQUENTIAL, ANYTIME_VALID = "none", "group_sequential", "anytime_valid"
NO_SUBGROUPS, STRATUM = "none", "stratum"


@dataclass(frozen=True, slots=True)
class Interim:
    """Whether the data may be looked at before the end, and by which rule."""

    method: str = NO_LOOKS
    looks: int | None = None
    """Of a group-sequential plan: how many at most, the last one included."""
    spending: str = "obrien_fleming"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan reckoned with; its power rests on it."""

    win_rate: float
    annotators: int
    tie_rate: float = 0.0
    rho_annotators: float = 0.0
    rho_prompts: float = 0.0


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """The plan of the analysis, beside the tie rule."""

    alpha: float = 0.05
    margin: float | None = None
    multiplicity: str = HOLM
    subgroups: str = NO_SUBGROUPS
    interim: Interim = Interim()
    expected: Expected | None = None


def plan_from(data: Mapping[str, Any]) -> AnalysisPlan:
    """Return the plan of a study's stored part, which was checked when it was imported.

    >>> plan_from({"margin": 0.05, "interim": {"method": "group_sequential", "looks": 3}}).interim.looks
    3
    """
    expected = data.get("expected")
    return AnalysisPlan(
        **{key: value for key, value in data.items() if key not in ("interim", "expected")},
        interim=Interim(**data.get("interim", {})),
        expected=None if expected is None else Expected(**expected),
    )
