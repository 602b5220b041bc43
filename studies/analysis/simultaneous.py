"""Several estimates from the same annotators and prompts: one band, a trend, and which is best."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import sparse

from studies.analysis.clusters import cells
from studies.analysis.covariance import (
    Contrast,
    Covariances,
    cluster_sums,
    contrast_of,
    meat,
    nearest_correlation,
)
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError
from studies.analysis.resampling import PIGEONHOLE, resampled_rates

DRAWS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Win rates of M groups of judgments with their joint covariances."""

    n: Codes
    """Judgments per group, (M,)."""
    means: Floats
    covariances: Covariances
    """Each variance has the G/(G-1) of its own group's clusters, as a group analysed alone would have."""
    group_df: Codes
    """min(G_A, G_P) - 1 of each group, (M,)."""


@dataclass(frozen=True, slots=True)
class Band:
    """Intervals that hold for all groups at once."""

    means: tuple[float, ...]
    ci_low: tuple[float | None, ...]
    ci_high: tuple[float | None, ...]
    """Clipped to [0, 1]; None where a group has one annotator or one prompt."""
    se: tuple[float | None, ...]
    p_adjusted: tuple[float | None, ...]
    """Of each mean against 1/2, adjusted for all groups by the same maximum."""
    critical: float
    df: int
    alpha: float


@dataclass(frozen=True, slots=True)
class Trend:
    """How the win rate changes with the guidance scale, and which scale is best."""

    slope: Contrast
    """Change of the win rate per unit of the scale."""
    scales: tuple[float, ...]
    best_frequency: tuple[float, ...]
    """Share of two-way bootstrap resamples in which each scale had the highest win rate."""
    draws: int


def max_t_critical(
    factor: Floats, df: int, *, alpha: float, rng: np.random.Generator, draws: int = DRAWS
) -> float:
    """Return the value that the largest of several correlated |t| exceeds with probability alpha.

    Parameters
    ----------
    factor : (m, k) array
        Rows of norm 1 (or 0, for a statistic that cannot vary); factor @ factor.T is the correlation.
    df
        Degrees of freedom of the common t distribution.

    References
    ----------
    Hothorn, Bretz & Westfall (2008), Biometrical Journal 50, 346-363.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> abs(max_t_critical(np.eye(1), 30, alpha=0.05, rng=rng) - 2.042) < 0.05
    True
    """
    return float(np.quantile(_largest_t(factor, df, rng, draws), 1 - alpha))


def symmetric_root(matrix: Floats) -> Floats:
    """Return the one symmetric R with R @ R = ``matrix``, which is positive semi-definite, (k, k).

    Eigenvectors alone would do for the correlations, but their signs, and their directions where
    eigenvalues meet, turn on the last digit of the input, and with them every simulated value.
    """
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def _largest_t(factor: Floats, df: int, rng: np.random.Generator, draws: int) -> Floats:
    normal = rng.standard_normal((draws, factor.shape[1]))
    scale = np.sqrt(rng.chisquare(df, draws) / df)
    return np.asarray(np.abs(normal @ factor.T).max(axis=1) / scale)


def rates_of(credit: Floats, group: Codes, groups: int, annotator: Codes, prompt: Codes) -> Rates:
    """Return the win rate of each group of judgments and how their errors are correlated.

    Parameters
    ----------
    credit : (n,) array
        1, 1/2 or 0.
    group : (n,) array
        Which of ``groups`` estimates each judgment belongs to.
    annotator, prompt : (n,) arrays
        Cluster codes, shared between groups.

    Raises
    ------
    RefusalError
        If a group has no judgment.

    Examples
    --------
    >>> ids = np.array([0, 0, 1, 1])
    >>> rates = rates_of(np.array([1., 0., 1., .5]), np.array([0, 1, 0, 1]), 2, ids, ids)
    >>> rates.means.tolist()
    [1.0, 0.25]
    """
    n = np.bincount(group, minlength=groups)
    if groups < 1 or np.any(n == 0):
        raise RefusalError("A group has no judgments to analyse.")
    means = np.bincount(group, weights=credit, minlength=groups) / n
    residuals = (credit - means[group]) / n[group]
    rows = np.arange(len(credit) + 1)
    scores = sparse.csr_array((residuals, group, rows), (len(credit), groups))
    members = sparse.csr_array((np.ones(len(credit)), group, rows), (len(credit), groups))
    parts = [_part(scores, members, codes) for codes in (annotator, prompt, cells(annotator, prompt))]
    (by_annotator, annotators), (by_prompt, prompts), (by_cell, _) = parts
    independent, _ = _part(scores, members, np.arange(len(credit)))
    group_df = np.minimum(annotators, prompts) - 1
    covariances = Covariances(
        by_annotator, by_prompt, by_annotator + by_prompt - by_cell, independent, int(group_df.min())
    )
    return Rates(n, means, covariances, group_df)


def _part(scores: sparse.csr_array, members: sparse.csr_array, codes: Codes) -> tuple[Floats, Codes]:
    """Return S'S with sqrt(g_l g_m), g = G/(G-1) of each group's own clusters, and those G."""
    clusters = np.asarray((cluster_sums(members, codes) > 0).sum(axis=0)).ravel()
    # A group with one cluster has df = 0 and gets no interval; its factor only has to be finite.
    factor = np.sqrt(clusters / np.maximum(clusters - 1, 1))
    return meat(cluster_sums(scores, codes)) * np.outer(factor, factor), clusters


def simultaneous_band(rates: Rates, *, alpha: float, rng: np.random.Generator, draws: int = DRAWS) -> Band:
    """Return intervals of all win rates that hold together with probability 1 - alpha.

    Notes
    -----
    mean +- c * se, with the standard error of the headline (the largest of its parts) and c the max-t value
    of the two-way correlations; t has the fewest degrees of freedom of any group with an interval.

    Raises
    ------
    RefusalError
        If no group has two annotators and two prompts.

    References
    ----------
    Hothorn, Bretz & Westfall (2008), Biometrical Journal 50, 346-363.
    """
    usable = np.flatnonzero(rates.group_df > 0)
    if not len(usable):
        raise RefusalError("No group has two annotators and two prompts, so that there is no interval.")
    df = int(rates.group_df[usable].min())
    two_way = rates.covariances.two_way
    correlation = nearest_correlation(np.asarray(two_way)[np.ix_(usable, usable)])
    largest = _largest_t(symmetric_root(correlation), df, rng, draws)
    critical = float(np.quantile(largest, 1 - alpha))
    se = [_se(rates, index) for index in range(len(rates.means))]
    means = rates.means.tolist()
    pairs = list(zip(means, se, strict=True))
    return Band(
        means=tuple(means),
        ci_low=tuple(None if s is None else max(0.0, m - critical * s) for m, s in pairs),
        ci_high=tuple(None if s is None else min(1.0, m + critical * s) for m, s in pairs),
        se=tuple(se),
        p_adjusted=tuple(None if s is None else _p_of_largest(largest, (m - 0.5) / s) for m, s in pairs),
        critical=critical,
        df=df,
        alpha=alpha,
    )


def _se(rates: Rates, index: int) -> float | None:
    if rates.group_df[index] < 1:
        return None
    unit = np.zeros(len(rates.means))
    unit[index] = 1
    _, variance = rates.covariances.variances(unit).largest()
    return sqrt(variance) if variance > 0 else None


def _p_of_largest(largest: Floats, statistic: float) -> float:
    return float((1 + np.count_nonzero(largest >= abs(statistic))) / (1 + len(largest)))


def slope_weights(scales: Floats, n: Codes) -> Floats:
    """Return the contrast that is the least-squares slope of group means over scales, weighted by n.

    >>> slope_weights(np.array([1., 2., 3.]), np.array([5, 5, 5])).tolist()
    [-0.5, 0.0, 0.5]
    """
    centred = scales - np.average(scales, weights=n)
    return np.asarray(n * centred / (n @ centred**2))


def trend(  # noqa: PLR0913 - the columns of one table
    credit: Floats,
    scale: Floats,
    annotator: Codes,
    prompt: Codes,
    *,
    alpha: float,
    rng: np.random.Generator,
    draws: int = 1000,
) -> Trend:
    """Return the slope of the win rate over the guidance scale, and how often each scale is best.

    Parameters
    ----------
    credit, scale : (n,) arrays
        Credit of the candidate, and the scale at which it was decoded.

    Notes
    -----
    The slope is the least-squares line through the group means, weighted by their judgments; its variance is
    the contrast's, clustered both ways, with the fewest degrees of freedom of any scale. A slope says
    nothing of a peak: see ``best_frequency``, which is a bootstrap frequency and not the probability that a
    scale is best.

    Raises
    ------
    RefusalError
        With fewer than two scales.

    Examples
    --------
    >>> credit, scale = np.array([1., 0., 1., 1.]), np.array([1., 1., 2., 2.])
    >>> ids = np.array([0, 1, 0, 1])
    >>> found = trend(credit, scale, ids, ids, alpha=0.05, rng=np.random.default_rng(0))
    >>> found.slope.estimate, sum(found.best_frequency)
    (0.5, 1.0)
    """
    scales, group = np.unique(scale, return_inverse=True)
    if len(scales) < 2:  # noqa: PLR2004 - a slope needs two scales
        raise RefusalError("There is one guidance scale only, so that there is no trend over it.")
    rates = rates_of(credit, group, len(scales), annotator, prompt)
    weights = slope_weights(scales, rates.n)
    slope = contrast_of(float(weights @ rates.means), rates.covariances, weights, alpha=alpha)
    resampled = resampled_rates(
        credit, annotator, prompt, group=group, groups=len(scales), draws=draws, rng=rng, by=PIGEONHOLE
    )
    return Trend(slope, tuple(scales.tolist()), best_frequency(resampled), draws)


def best_frequency(rates: Floats) -> tuple[float, ...]:
    """Return the share of resamples (D, M) in which each group has the highest rate; equals share it.

    >>> best_frequency(np.array([[1., 0.], [.5, .5], [0., 1.], [.2, .9]]))
    (0.375, 0.625)
    """
    usable = rates[np.isfinite(rates).all(axis=1)]
    if not len(usable):
        raise RefusalError("In no resample had every group a judgment.")
    top = usable == usable.max(axis=1, keepdims=True)
    return tuple(np.mean(top / top.sum(axis=1, keepdims=True), axis=0).tolist())
