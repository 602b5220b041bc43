"""The analysis of a whole judgments file: each criterion and pair of arms, corrected for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from studies.analysis.absence import Absence, attempt
from studies.analysis.bayes import posterior_of
from studies.analysis.further import (
    NOT_ASKED,
    SKIPPED,
    Margins,
    Models,
    heterogeneity,
    margins,
    models,
    sensitivity,
)
from studies.analysis.looks import Looks
from studies.analysis.margin_looks import over_looks, untested
from studies.analysis.multiplicity import holm
from studies.analysis.plan import STRATUM
from studies.analysis.planned import (
    Cell,
    graded_of,
    headline_of,
    looks_of,
    panels_of,
    primary_of,
    robustness_of,
    steps_of,
    subgroups_of,
)
from studies.analysis.records import Judgments, Mask, Pair, Records
from studies.analysis.result import Result
from studies.analysis.robustness import RobustnessRow
from studies.analysis.settings import AUTO, CLUSTER, DEFAULTS, MANY, Settings
from studies.analysis.several import SeveralArms, several_arms
from studies.analysis.subgroups import Subgroup
from studies.analysis.winrate import WinRate, win_rate


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
    multiplicity: str
    margin: float | None
    looks: Looks | Absence | None
    """Of the primary criterion over all looks, where the plan allowed any."""
    subgroups: tuple[Subgroup, ...]
    """Win rates by stratum, where they were asked for."""
    controls: tuple[str, ...]
    several: SeveralArms | None
    """What is said of more than two arms together."""
    caveats: tuple[str, ...]
    """Caveats of the whole file; each result has its own beside them."""

    @property
    def headline(self) -> Result:
        """The primary criterion of the first pair that is no control."""
        primary = [result for result in self.results if result.criterion == self.primary]
        return next((result for result in primary if result.pair.candidate not in self.controls), primary[0])

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
    primary = primary_of(judgments, settings.criterion)
    cells = [(c, p) for p in range(len(judgments.pairs)) for c in range(len(judgments.criteria))]
    cells = [cell for cell in cells if _occurs(judgments, *cell)]
    headline = headline_of(judgments, cells, primary, settings.controls)
    found = [looks_of(judgments, cell, settings) for cell in cells]
    at = cells.index(headline)
    results = _results(judgments, cells, found, settings)
    return Analysis(
        results=results,
        primary=primary,
        alpha=settings.alpha,
        ties_rule=settings.ties,
        seed=settings.seed,
        judgments=len(judgments),
        analysed=int(np.count_nonzero(judgments.analysed)),
        excluded=int(np.count_nonzero(judgments.excluded & judgments.real)),
        robustness=robustness_of(judgments, headline, results[at].models, settings, found[at]),
        multiplicity=settings.multiplicity,
        margin=settings.margin,
        looks=found[at],
        subgroups=tuple(subgroups_of(judgments, cells, settings)) if settings.subgroups == STRATUM else (),
        controls=settings.controls,
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
    judgments: Judgments,
    cells: Sequence[Cell],
    found: Sequence[Looks | Absence | None],
    settings: Settings,
) -> tuple[Result, ...]:
    alpha, margin = settings.alpha, settings.margin
    masks = [judgments.mask(*cell) for cell in cells]
    records = [judgments.records.where(mask) for mask in masks]
    rates = [win_rate(each, alpha=alpha, ties=settings.ties, seed=settings.seed) for each in records]
    looks = [each if isinstance(each, Looks) else None for each in found]
    p_values = [_p_value(rate, each) for rate, each in zip(rates, found, strict=True)]
    adjusted = holm(p_values)
    tested = [_margins(rate, each, settings) for rate, each in zip(rates, found, strict=True)]
    steps = steps_of(judgments, cells, rates, (p_values, tested), settings)
    return tuple(
        Result(
            judgments.criteria[c],
            judgments.pairs[p],
            rate,
            p_holm,
            len(rates),
            alpha,
            margins=margin_tests,
            heterogeneity=heterogeneity(each, alpha=alpha),
            models=_models(judgments, mask, each, settings),
            sensitivity=sensitivity(rate.estimate, alpha=alpha),
            posterior=attempt(partial(posterior_of, rate.estimate, margin=margin, alpha=alpha)),
            panels=panels_of(judgments, (c, p), settings),
            graded=graded_of(judgments, mask, each, settings),
            looks=own_looks,
            steps=None if steps is None else steps[c, p],
        )
        for (c, p), rate, p_holm, each, mask, margin_tests, own_looks in zip(
            cells, rates, adjusted, records, masks, tested, looks, strict=True
        )
    )


def _p_value(rate: WinRate, looks: Looks | Absence | None) -> float | None:
    """Return the p-value against 1/2: over all looks where there were any, None where nobody can say."""
    if looks is None or rate.estimate.p_value is None:
        return rate.estimate.p_value
    return None if isinstance(looks, Absence) else looks.p_value


def _margins(rate: WinRate, looks: Looks | Absence | None, settings: Settings) -> Margins | None:
    if settings.margin is None:
        return None
    found = margins(rate.estimate, margin=settings.margin, alpha=settings.alpha)
    if isinstance(looks, Absence):
        return untested(found)
    return found if looks is None else over_looks(found, looks, alpha=settings.alpha)


def _models(judgments: Judgments, mask: Mask, records: Records, settings: Settings) -> Models:
    if settings.model == CLUSTER:
        return Models(NOT_ASKED, NOT_ASKED, lengths=False)
    if settings.model == AUTO and len(records) > MANY:
        return Models(SKIPPED, SKIPPED, lengths=False)
    lengths = None if judgments.lengths is None else (judgments.lengths[0][mask], judgments.lengths[1][mask])
    order = judgments.order()
    return models(records, lengths, None if order is None else order[mask], alpha=settings.alpha)


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
    return [*found, *_odd(judgments)]


def _odd(judgments: Judgments) -> Iterator[str]:
    """Tell what a study of ours never writes, and what the analysis takes it for."""
    records = judgments.records
    prompt = np.zeros(int(records.comparison.max(initial=-1)) + 1, dtype=np.int64)
    prompt[records.comparison] = records.prompt
    moved = np.unique(records.comparison[prompt[records.comparison] != records.prompt])
    if len(moved):
        yield (
            f"{len(moved)} of {len(prompt)} comparisons stand with more than one prompt; each judgment "
            "counts for the prompt in its own row."
        )
    pairs = judgments.pairs
    both = [
        pair for number, pair in enumerate(pairs) if Pair(pair.baseline, pair.candidate) in pairs[:number]
    ]
    if both:
        named = ", ".join(f"{pair.candidate} and {pair.baseline}" for pair in both)
        yield f"Arms that are compared both ways round make two pairs with a result each: {named}."


def _judgments(count: int) -> str:
    return "1 judgment is" if count == 1 else f"{count} judgments are"
