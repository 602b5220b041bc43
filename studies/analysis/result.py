"""One tested criterion, and what its test allows to say."""

from __future__ import annotations

from dataclasses import dataclass

from studies.analysis.absence import Absence
from studies.analysis.bayes import Posterior
from studies.analysis.further import Heterogeneity, Margins, Models, Sensitivity
from studies.analysis.gates import SUPERIORITY, Step
from studies.analysis.looks import Looks
from studies.analysis.panels import Panels
from studies.analysis.records import Pair
from studies.analysis.scores import Graded
from studies.analysis.winrate import WinRate

SUPERIOR = "superior"
INFERIOR = "inferior"
NOT_SHOWN = "not shown"
NOT_TESTED = "not tested"


def decide(mean: float | None, p_value: float | None, *, alpha: float) -> str:
    """Return what a two-sided test at level ``alpha`` allows to say of the candidate.

    >>> decide(0.75, 0.001, alpha=0.05), decide(0.52, 0.4, alpha=0.05), decide(1.0, None, alpha=0.05)
    ('superior', 'not shown', 'not tested')
    """
    if mean is None or p_value is None:
        return NOT_TESTED
    if p_value >= alpha or mean == 0.5:  # noqa: PLR2004 - the null
        return NOT_SHOWN
    return SUPERIOR if mean > 0.5 else INFERIOR  # noqa: PLR2004 - the null


@dataclass(frozen=True, slots=True)
class Result:
    """One criterion of one pair of arms."""

    criterion: str
    pair: Pair
    rate: WinRate
    p_holm: float | None
    family: int
    """How many tests Holm's correction is over."""
    alpha: float
    margins: Margins | None = None
    """Tests against a margin, where one was given."""
    heterogeneity: Heterogeneity | None = None
    models: Models | None = None
    sensitivity: Sensitivity | Absence | None = None
    posterior: Posterior | Absence | None = None

    graded: Graded | None = None
    """The scores, where the criterion's scale has degrees."""
    panels: Panels | None = None
    """By slot and by length, for the pictures."""
    looks: Looks | None = None
    """The plan's rule over all looks, where it allowed any; every criterion spends by itself."""
    steps: tuple[Step, ...] | None = None
    """The claims of this criterion in the plan's order, where it has one (gatekeeping)."""

    @property
    def p_sequential(self) -> float | None:
        """The p-value over all looks that the plan allowed."""
        return None if self.looks is None else self.looks.p_value

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """What the sentence prints: over all looks where the plan allowed any."""
        if self.looks is None:
            return self.rate.estimate.ci_low, self.rate.estimate.ci_high
        return self.looks.ci_low, self.looks.ci_high

    @property
    def p_corrected(self) -> float | None:
        """What decides: corrected by the plan's rule for several tests."""
        if self.steps is None:
            return self.p_holm
        return next((step.p_corrected for step in self.steps if step.claim == SUPERIORITY), None)

    @property
    def gate_closed(self) -> bool:
        """Whether the plan's order left the claim untested, although there is a test."""
        if self.steps is None or self.rate.estimate.p_value is None:
            return False
        return self.p_corrected is None

    @property
    def decision(self) -> str:
        """What the corrected test allows to say."""
        return decide(self.rate.estimate.mean, self.p_corrected, alpha=self.alpha)
