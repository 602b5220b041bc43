"""Win rates within the strata of prompts: an exploration, screened and not confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.analysis.interval import Estimate, estimate_share
from studies.analysis.multiplicity import benjamini_hochberg
from studies.analysis.records import Pair, Records


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One criterion of one pair of arms within one stratum."""

    criterion: str
    candidate: str
    baseline: str
    stratum: str
    estimate: Estimate
    p_bh: float | None
    """Benjamini and Hochberg's, over every subgroup of the table."""

    @property
    def pair(self) -> Pair:
        """The arms that are compared."""
        return Pair(self.candidate, self.baseline)


def subgroups(cells: Sequence[tuple[tuple[str, str, str, str], Records]], *, alpha: float) -> list[Subgroup]:
    """Estimate every cell and correct them together.

    Parameters
    ----------
    cells
        Criterion, candidate, baseline, stratum; and the judgments, ties already treated.
    alpha
        Intervals cover 1 - alpha, each for itself.

    References
    ----------
    Benjamini & Hochberg (1995), J. Royal Statistical Society B 57, 289-300.
    """
    estimates = [
        estimate_share(records.credit, records.annotator, records.prompt, alpha=alpha) for _, records in cells
    ]
    adjusted = benjamini_hochberg([estimate.p_value for estimate in estimates])
    return [
        Subgroup(*names, estimate, p)
        for (names, _), estimate, p in zip(cells, estimates, adjusted, strict=True)
    ]
