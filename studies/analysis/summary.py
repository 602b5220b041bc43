"""The analysis of a whole judgments file: each criterion and pair of arms, corrected for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.multiplicity import holm
from studies.analysis.records import Judgments, Pair
from studies.analysis.result import Result
from studies.analysis.winrate import HALF, TIE_RULES, win_rate


class AnalysisError(ValueError):
    """A request that the judgments cannot answer."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """All results, pair by pair, with the criteria of each in the same order."""

    results: tuple[Result, ...]
    primary: str
    """The criterion whose result is the headline."""
    alpha: float
    ties_rule: str
    seed: int
    judgments: int
    analysed: int
    excluded: int
    caveats: tuple[str, ...]
    """Caveats of the whole file; each result has its own beside them."""

    @property
    def headline(self) -> Result:
        """The primary criterion of the first pair."""
        return next(result for result in self.results if result.criterion == self.primary)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of arms, in order."""
        return tuple(dict.fromkeys(result.pair for result in self.results))

    def of_pair(self, pair: Pair) -> tuple[Result, ...]:
        """Return the results of one pair."""
        return tuple(result for result in self.results if result.pair == pair)


def analyze(
    judgments: Judgments,
    *,
    alpha: float = 0.05,
    ties: str = HALF,
    criterion: str | None = None,
    seed: int = 0,
) -> Analysis:
    """Analyse every criterion and pair of arms; Holm's family is all of them.

    Parameters
    ----------
    criterion
        The primary one; the first of the file unless given.

    Raises
    ------
    AnalysisError
        Unknown criterion or tie rule, or ``alpha`` outside (0, 0.5].
    """
    primary = _primary(judgments, criterion)
    if ties not in TIE_RULES:
        message = f"unknown tie rule {ties!r}; known are {', '.join(TIE_RULES)}"
        raise AnalysisError(message)
    if not 0 < alpha <= 0.5:  # noqa: PLR2004 - beyond it an interval would miss more than it covers
        message = f"alpha is {alpha:g}; it must be above 0 and at most 0.5"
        raise AnalysisError(message)
    cells = [(c, p) for p in range(len(judgments.pairs)) for c in range(len(judgments.criteria))]
    cells = [cell for cell in cells if _occurs(judgments, *cell)]
    rates = [win_rate(judgments.select(*cell), alpha=alpha, ties=ties, seed=seed) for cell in cells]
    adjusted = holm([rate.estimate.p_value for rate in rates])
    results = tuple(
        Result(judgments.criteria[c], judgments.pairs[p], rate, p_holm, len(rates), alpha)
        for (c, p), rate, p_holm in zip(cells, rates, adjusted, strict=True)
    )
    return Analysis(
        results=results,
        primary=primary,
        alpha=alpha,
        ties_rule=ties,
        seed=seed,
        judgments=len(judgments),
        analysed=int(np.count_nonzero(judgments.analysed)),
        excluded=int(np.count_nonzero(judgments.excluded & judgments.real)),
        caveats=tuple(_caveats(judgments)),
    )


def _primary(judgments: Judgments, criterion: str | None) -> str:
    if criterion is None:
        return judgments.criteria[0]
    if criterion not in judgments.criteria:
        known = ", ".join(judgments.criteria)
        message = f"no judgment has the criterion {criterion!r}; the file has: {known}"
        raise AnalysisError(message)
    return criterion


def _occurs(judgments: Judgments, criterion: int, pair: int) -> bool:
    return bool(np.any((judgments.criterion == criterion) & (judgments.pair == pair)))


def _caveats(judgments: Judgments) -> list[str]:
    found = []
    excluded = int(np.count_nonzero(judgments.excluded & judgments.real))
    other = int(np.count_nonzero(~judgments.real))
    if excluded:
        found.append(f"{_judgments(excluded)} excluded by rule and left out.")
    if other:
        found.append(f"{_judgments(other)} of attention checks or repeats and left out.")
    return found


def _judgments(count: int) -> str:
    return "1 judgment is" if count == 1 else f"{count} judgments are"
