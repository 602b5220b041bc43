"""What a reader may choose of an analysis, and what a plan fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studies.analysis.looks import LookPlan
from studies.analysis.plan import HOLM, MULTIPLICITY, NO_SUBGROUPS
from studies.analysis.winrate import HALF, TIE_RULES

AUTO, CLUSTER, GLMM = "auto", "cluster", "glmm"
MODELS = (AUTO, CLUSTER, GLMM)
DRAWS, MANY = 1000, 200_000
"""Bootstrap draws, and the judgments up to which they are made without being asked for."""


class AnalysisError(ValueError):
    """A request that the judgments cannot answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reader may choose, and what a plan fixes."""

    alpha: float = 0.05
    """Intervals cover 1 - alpha."""
    ties: str = HALF
    criterion: str | None = None
    """The primary one; the first of the file unless given."""
    seed: int = 0
    margin: float | None = None
    """Of non-inferiority and equivalence, in units of the win rate."""
    model: str = AUTO
    """`AUTO` fits models to at most `MANY` judgments, `GLMM` to any number, `CLUSTER` to none."""
    draws: int | None = None
    """Bootstrap draws; unless given, `DRAWS`, and none for more judgments than `MANY`."""
    multiplicity: str = HOLM
    """The rule for several criteria and pairs: `HOLM` or `GATEKEEPING`, in the file's order of criteria."""
    subgroups: str = NO_SUBGROUPS
    """`STRATUM` explores the strata of prompts."""
    looks: LookPlan | None = None
    """The looks that the plan allowed before the end, and those that were taken."""
    controls: tuple[str, ...] = ()
    """Arms that decode as the baseline does, on purpose: no headline, but a row of robustness."""
    scales: Mapping[str, float] = field(default_factory=dict)
    """Guidance scale by candidate's name, where it is known."""

    def check(self) -> None:
        """Refuse settings that mean nothing."""
        if self.ties not in TIE_RULES:
            message = f"unknown tie rule {self.ties!r}; known are {', '.join(TIE_RULES)}"
            raise AnalysisError(message)
        if self.multiplicity not in MULTIPLICITY:
            message = f"unknown correction {self.multiplicity!r}; known are {', '.join(MULTIPLICITY)}"
            raise AnalysisError(message)
        if self.model not in MODELS:
            message = f"unknown model {self.model!r}; known are {', '.join(MODELS)}"
            raise AnalysisError(message)
        if not 0 < self.alpha <= 0.5:  # noqa: PLR2004 - beyond it an interval would miss more than it covers
            message = f"alpha is {self.alpha:g}; it must be above 0 and at most 0.5"
            raise AnalysisError(message)
        if self.margin is not None and not 0 < self.margin < 0.5:  # noqa: PLR2004 - any result would do
            message = f"the margin is {self.margin:g}; it must be above 0 and below 0.5, 0.05 for 5 points"
            raise AnalysisError(message)

    def draws_for(self, judgments: int) -> int:
        """Return how many bootstrap draws are made for so many judgments."""
        if self.draws is not None:
            return self.draws
        return DRAWS if judgments <= MANY else 0


DEFAULTS = Settings()
