"""How much annotators and prompts differ: variance components, and rates shrunk towards the mean."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.clusters import cells, count_clusters
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

TWO = 2
"""Clusters below which nothing can differ."""


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Parts of the variance of one judgment's credit; a part is None where no pair of judgments shows it.

    A part estimated below zero is kept at zero, and a caveat says so.
    """

    annotators: float | None
    prompts: float | None
    residual: float
    rho_annotators: float
    """Share of the annotators' part: the correlation of two judgments of one annotator on two prompts."""
    rho_prompts: float
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShrunkRate:
    """One cluster's win rate, raw and as the others suggest it."""

    code: int
    judgments: int
    raw: float
    shrunk: float
    low: float
    """Interval of the shrunk rate, clipped to [0, 1]; the mean and the components are taken as known."""
    high: float
    weight: float
    """Weight of the cluster's own rate: 0 when clusters do not differ beyond chance."""


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """All clusters' rates, in ascending order of code."""

    mean: float
    between: float
    """Variance between clusters, beyond chance."""
    within: float
    """Variance of a judgment within its cluster."""
    rates: tuple[ShrunkRate, ...]


def pair_product(values: Floats, codes: Codes) -> tuple[float, int]:
    """Return the sum of y_i y_j over ordered pairs of different judgments in one cluster, and their number.

    >>> pair_product(np.array([1., 2., 3.]), np.array([0, 0, 1]))
    (4.0, 2)
    """
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    return float(sums @ sums - values @ values), int(counts @ counts) - len(values)


def variance_components(values: Floats, annotator: Codes, prompt: Codes) -> VarianceComponents:
    """Split the variance of a judgment's credit into annotator, prompt and the rest.

    Under y = mu + a + p + e, the mean product of two judgments is mu^2 when they share nothing,
    mu^2 + var(a) when they share the annotator only, and mu^2 + var(p) when they share the prompt only;
    differences of these means estimate the components without a model of the distribution. The residual
    holds the interaction as well.

    Parameters
    ----------
    values : (n,) array
        Credits in [0, 1].
    annotator, prompt : (n,) arrays

    Raises
    ------
    RefusalError
        Fewer than two annotators or prompts, or no two judgments that share neither.

    References
    ----------
    Koch (1967), Technometrics 9, 93-118 (symmetric sums); Owen (2007), Annals of Applied Statistics 1,
    386-411, for crossed unbalanced data.
    """
    if not len(values) or min(count_clusters(annotator), count_clusters(prompt)) < TWO:
        raise RefusalError("There are not two annotators and two prompts that could differ.")
    everything = pair_product(values, np.zeros(len(values), dtype=np.int64))
    cell = pair_product(values, cells(annotator, prompt))
    same = [pair_product(values, codes) for codes in (annotator, prompt)]
    alone = [(one[0] - cell[0], one[1] - cell[1]) for one in same]
    neither = tuple(everything[i] - alone[0][i] - alone[1][i] - cell[i] for i in range(2))
    if not neither[1]:
        raise RefusalError("All judgments share an annotator or a prompt: the parts cannot be told apart.")
    base = neither[0] / neither[1]
    parts = [total / pairs - base if pairs else None for total, pairs in alone]
    spread = max(float(np.mean(values**2)) - base, 0.0)
    return _components(parts, spread)


def _components(parts: list[float | None], spread: float) -> VarianceComponents:
    caveats = [
        f"No two judgments share only the {word}: its part is unknown and counted in the residual."
        for word, part in zip(("annotator", "prompt"), parts, strict=True)
        if part is None
    ]
    caveats += [
        f"The part of {word} was estimated below zero and is kept at zero."
        for word, part in zip(("annotators", "prompts"), parts, strict=True)
        if part is not None and part < 0
    ]
    kept = [None if part is None else max(part, 0.0) for part in parts]
    known = [part or 0.0 for part in kept]
    total = max(spread, sum(known))
    shares = [part / total if total else 0.0 for part in known]
    return VarianceComponents(kept[0], kept[1], total - sum(known), shares[0], shares[1], tuple(caveats))


def shrunk_rates(values: Floats, codes: Codes, *, alpha: float = 0.05) -> Shrinkage:
    """Shrink the win rate of each annotator, or each prompt, towards the mean of all.

    shrunk = m + w (raw - m) with w = between / (between + within / n_g): an empirical-Bayes (James-Stein)
    estimate. ``within`` pools the variance inside clusters; ``between`` is the one-way analysis of
    variance's estimate, kept at zero or above.

    Parameters
    ----------
    values : (n,) array
        Credits in [0, 1].
    codes : (n,) array
        The clusters.
    alpha : float
        Intervals cover 1 - alpha, normal.

    Raises
    ------
    RefusalError
        Fewer than two clusters, or one judgment per cluster everywhere.

    References
    ----------
    Efron & Morris (1975), J. American Statistical Association 70, 311-319; Searle, Casella & McCulloch
    (1992), Variance Components, ch. 3.
    """
    names, index = np.unique(codes, return_inverse=True)
    groups, n = len(names), len(values)
    if groups < TWO:
        raise RefusalError("There are not two clusters that could differ.")
    if n == groups:
        raise RefusalError("Each cluster has one judgment: differences cannot be told from chance.")
    counts = np.bincount(index)
    raw = np.bincount(index, weights=values) / counts
    within = float(np.sum((values - raw[index]) ** 2)) / (n - groups)
    between = _between(raw, counts, within)
    # The mean weights each cluster by its information, so that large ones do not decide alone.
    mean = float(np.average(raw, weights=1 / (between + within / counts))) if within else float(raw.mean())
    noise = within / counts
    weight = np.divide(between, between + noise, out=np.zeros(groups), where=between + noise > 0)
    shrunk = mean + weight * (raw - mean)
    reach = float(stats.norm.isf(alpha / 2)) * np.sqrt(weight * noise)
    rows = zip(names, counts, raw, shrunk, reach, weight, strict=True)
    return Shrinkage(mean, between, within, tuple(_rate(*row) for row in rows))


def _between(raw: Floats, counts: Codes, within: float) -> float:
    """Return the one-way analysis of variance's estimate (MSB - MSW) / n_0, kept at zero or above."""
    n, groups = int(counts.sum()), len(counts)
    mean = float(counts @ raw) / n
    mean_square = float(counts @ (raw - mean) ** 2) / (groups - 1)
    typical = (n - float(counts @ counts) / n) / (groups - 1)
    return max(0.0, (mean_square - within) / typical)


def _rate(code: int, count: int, raw: float, shrunk: float, reach: float, weight: float) -> ShrunkRate:
    return ShrunkRate(
        code=int(code),
        judgments=int(count),
        raw=float(raw),
        shrunk=float(shrunk),
        low=max(0.0, float(shrunk - reach)),
        high=min(1.0, float(shrunk + reach)),
        weight=float(weight),
    )


def between_sd(shrinkage: Shrinkage) -> float:
    """Return the standard deviation between clusters, in units of the win rate."""
    return sqrt(shrinkage.between)
