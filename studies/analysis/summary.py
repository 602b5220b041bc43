"""The analysis of a whole judgments file: each criterion and pair of arms, corrected for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from studies.analysis.absence import attempt
from studies.analysis.bayes import posterior_of
from studies.analysis.further import NOT_ASKED, SKIPPED, Models, heterogeneity, margins, models, sensitivity
from studies.analysis.multiplicity import holm
from studies.analysis.records import Judgments, Mask, Pair, Records
from studies.analysis.result import Result
from studies.analysis.robustness import RobustnessRow, model_rows, robustness
from studies.analysis.several import SeveralArms, several_arms
from studies.analysis.winrate import HALF, TIE_RULES, win_rate

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
    scales: Mapping[str, float] = field(default_factory=dict)
    """Guidance scale by candidate's name, where it is known."""

    def check(self) -> None:
        """Refuse settings that mean nothing."""
        if self.ties not in TIE_RULES:
            message = f"unknown tie rule {self.ties!r}; known are {', '.join(TIE_RULES)}"
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
    robustness: tuple[RobustnessRow, ...]
    """The headline under other rules."""
    several: SeveralArms | None
    """What is said of more than two arms together."""
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


def analyze(judgments: Judgments, settings: Settings = DEFAULTS, **changes: Any) -> Analysis:
    """Analyse every criterion and pair of arms; Holm's family is all of them.

    Parameters
    ----------
    judgments
        Of any file.
    settings, changes
        See `Settings`; ``changes`` are its fields by name.

    Raises
    ------
    AnalysisError
        Unknown criterion or tie rule, or ``alpha`` or ``margin`` where they mean nothing.
    """
    settings = replace(settings, **changes)
    settings.check()
    primary = _primary(judgments, settings.criterion)
    cells = [(c, p) for p in range(len(judgments.pairs)) for c in range(len(judgments.criteria))]
    cells = [cell for cell in cells if _occurs(judgments, *cell)]
    results = _results(judgments, cells, settings)
    headline = next(cell for cell in cells if judgments.criteria[cell[0]] == primary)
    return Analysis(
        results=results,
        primary=primary,
        alpha=settings.alpha,
        ties_rule=settings.ties,
        seed=settings.seed,
        judgments=len(judgments),
        analysed=int(np.count_nonzero(judgments.analysed)),
        excluded=int(np.count_nonzero(judgments.excluded & judgments.real)),
        robustness=(
            *robustness(
                judgments,
                criterion=headline[0],
                pair=headline[1],
                ties=settings.ties,
                alpha=settings.alpha,
                draws=settings.draws_for(len(judgments)),
                seed=settings.seed,
            ),
            *model_rows(results[cells.index(headline)].models),
        ),
        several=several_arms(
            judgments,
            criterion=headline[0],
            alpha=settings.alpha,
            ties=settings.ties,
            seed=settings.seed,
            scales=settings.scales,
            draws=settings.draws_for(len(judgments)),
        ),
        caveats=tuple(_caveats(judgments)),
    )


def _results(
    judgments: Judgments, cells: Sequence[tuple[int, int]], settings: Settings
) -> tuple[Result, ...]:
    alpha, margin = settings.alpha, settings.margin
    masks = [judgments.mask(*cell) for cell in cells]
    records = [judgments.records.where(mask) for mask in masks]
    rates = [win_rate(each, alpha=alpha, ties=settings.ties, seed=settings.seed) for each in records]
    adjusted = holm([rate.estimate.p_value for rate in rates])
    return tuple(
        Result(
            judgments.criteria[c],
            judgments.pairs[p],
            rate,
            p_holm,
            len(rates),
            alpha,
            margins=None if margin is None else margins(rate.estimate, margin=margin, alpha=alpha),
            heterogeneity=heterogeneity(each, alpha=alpha),
            models=_models(judgments, mask, each, settings),
            sensitivity=sensitivity(rate.estimate, alpha=alpha),
            posterior=attempt(partial(posterior_of, rate.estimate, margin=margin, alpha=alpha)),
        )
        for (c, p), rate, p_holm, each, mask in zip(cells, rates, adjusted, records, masks, strict=True)
    )


def _models(judgments: Judgments, mask: Mask, records: Records, settings: Settings) -> Models:
    if settings.model == CLUSTER:
        return Models(NOT_ASKED, NOT_ASKED, lengths=False)
    if settings.model == AUTO and len(records) > MANY:
        return Models(SKIPPED, SKIPPED, lengths=False)
    lengths = None if judgments.lengths is None else (judgments.lengths[0][mask], judgments.lengths[1][mask])
    order = judgments.order()
    return models(records, lengths, None if order is None else order[mask], alpha=settings.alpha)


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
