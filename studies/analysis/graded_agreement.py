"""Krippendorff's alpha for categories that have an order or a distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.agreement import krippendorff_alpha
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

NOMINAL, ORDINAL, INTERVAL, RATIO = "nominal", "ordinal", "interval", "ratio"
METRICS = (NOMINAL, ORDINAL, INTERVAL, RATIO)
DRAWS = 2000
CHUNK = 250
"""Resamples whose distances are held at once."""


@dataclass(frozen=True, slots=True)
class GradedAlpha:
    """Krippendorff's alpha with its interval over comparisons; None where undefined."""

    metric: str
    alpha: float | None
    low: float | None
    high: float | None
    comparisons: int
    """Comparisons judged at least twice."""
    draws: int


def squared_distances(totals: Floats, values: Floats, metric: str) -> Floats:
    """Return the squared distance of each pair of categories, by Krippendorff's difference function.

    Nominal: 0 or 1. Ordinal: (n_c / 2 + all between + n_k / 2)^2, which depends on how often each category
    occurs. Interval: (c - k)^2. Ratio: ((c - k) / (c + k))^2, and 0 for 0 against 0.

    Parameters
    ----------
    totals : (D, C) array
        Ratings in each category, one row per resample; columns in ascending order.
    values : (C,) array
        The categories' values, ascending.

    Returns
    -------
    (D, C, C) array

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    draws, categories = totals.shape
    if metric == ORDINAL:
        middles = np.cumsum(totals, axis=1) - totals / 2  # (D, C)
        return np.asarray((middles[:, :, None] - middles[:, None, :]) ** 2)
    difference = values[:, None] - values[None, :]  # (C, C)
    if metric == INTERVAL:
        squared = difference**2
    elif metric == RATIO:
        together = values[:, None] + values[None, :]
        squared = np.divide(difference, together, out=np.zeros_like(difference), where=together != 0) ** 2
    else:
        squared = (difference != 0).astype(np.float64)
    return np.broadcast_to(squared, (draws, categories, categories))


def coincidences(patterns: Floats) -> Floats:
    """Return each unit's coincidences: o_ck = n_c (n_k - [c = k]) / (m - 1), m being its ratings.

    Parameters
    ----------
    patterns : (R, C) array
        Ratings of each unit in each category; each row has two or more.

    Returns
    -------
    (R, C, C) array

    Examples
    --------
    >>> coincidences(np.array([[1., 1.]])).tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """
    ratings = patterns.sum(axis=1)  # (R,)
    pairs = patterns[:, :, None] * patterns[:, None, :]
    diagonal = np.arange(patterns.shape[1])
    pairs[:, diagonal, diagonal] -= patterns
    return np.asarray(pairs / (ratings - 1)[:, None, None])


def _alphas(patterns: Floats, weights: Floats, values: Floats, metric: str) -> Floats:
    """Return alpha = 1 - (n - 1) sum(o d) / sum(n_c n_k d) for each row of weights (D, R)."""
    totals = weights @ patterns  # (D, C)
    distances = squared_distances(totals, values, metric)  # (D, C, C)
    by_unit = coincidences(patterns).reshape(len(patterns), -1)  # (R, C * C)
    flat = distances.reshape(len(weights), -1)
    observed = ((weights @ by_unit) * flat).sum(axis=1)
    expected = ((totals[:, :, None] * totals[:, None, :]).reshape(len(weights), -1) * flat).sum(axis=1)
    scaled = observed * (totals.sum(axis=1) - 1)
    ratio = np.divide(scaled, expected, out=np.full(len(weights), np.nan), where=expected > 0)
    return np.asarray(1 - ratio, dtype=np.float64)


def graded_alpha(
    counts: Floats, values: Floats, *, metric: str, level: float, rng: np.random.Generator
) -> GradedAlpha:
    """Return Krippendorff's alpha under a metric, with the percentile interval over resampled comparisons.

    Parameters
    ----------
    counts : (U, C) array
        Ratings of each unit in each category, as of `agreement.rating_counts`; units rated once do not
        count.
    values : (C,) array
        The categories' values in strictly ascending order; for `RATIO` none below zero.
    metric
        One of `METRICS`.
    level : float
        The interval covers 1 - level.
    rng
        Of the resampling.

    Returns
    -------
    GradedAlpha
        Without alpha when no unit was rated twice or only one category occurs; without an interval when
        more than a tenth of the resamples have none.

    Raises
    ------
    RefusalError
        Unknown metric, values that do not ascend, or a negative value on a ratio scale.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    _check(counts, values, metric)
    rated = counts[counts.sum(axis=1) > 1]
    patterns, times = np.unique(rated, axis=0, return_counts=True)
    if not len(rated):
        return GradedAlpha(metric, None, None, None, 0, DRAWS)
    alpha = float(_alphas(patterns, times[None, :].astype(np.float64), values, metric)[0])
    if not np.isfinite(alpha):
        return GradedAlpha(metric, None, None, None, len(rated), DRAWS)
    low, high = None, None
    if len(rated) > 1:
        draws = rng.multinomial(len(rated), times / len(rated), size=DRAWS).astype(np.float64)
        parts = np.split(draws, range(CHUNK, DRAWS, CHUNK))
        resampled = np.concatenate([_alphas(patterns, part, values, metric) for part in parts])
        low, high = _percentiles(resampled, level)
    return GradedAlpha(metric, alpha, low, high, len(rated), DRAWS)


def _percentiles(values: Floats, level: float) -> tuple[float | None, float | None]:
    """Return the central interval of the finite values; nothing when more than a tenth are not."""
    finite = values[np.isfinite(values)]
    if len(finite) < 0.9 * len(values):
        return None, None
    low, high = np.quantile(finite, [level / 2, 1 - level / 2])
    return float(low), float(high)


def _check(counts: Floats, values: Floats, metric: str) -> None:
    if metric not in METRICS:
        raise RefusalError(f"Unknown metric {metric!r}; known are {', '.join(METRICS)}.")
    if len(values) != counts.shape[1] or np.any(np.diff(values) <= 0):
        raise RefusalError("Each category needs one value, in ascending order.")
    if metric == RATIO and np.any(values < 0):
        raise RefusalError("A ratio scale has no negative values; use the interval metric.")


def alpha_of_scores(units: Codes, scores: Floats, *, metric: str) -> float | None:
    """Return alpha of numeric ratings without its interval.

    Examples
    --------
    >>> alpha_of_scores(np.array([0, 0, 1, 1]), np.array([1., 1., 2., 2.]), metric="interval")
    1.0
    """
    if not len(scores):
        return None
    values, columns = np.unique(scores, return_inverse=True)
    _, rows = np.unique(units, return_inverse=True)
    counts = np.zeros((int(rows.max()) + 1, len(values)))
    np.add.at(counts, (rows, columns), 1)
    _check(counts, values, metric)
    if metric == NOMINAL:
        return krippendorff_alpha(counts)
    rated = counts[counts.sum(axis=1) > 1]
    if not len(rated):
        return None
    alpha = float(_alphas(rated, np.ones((1, len(rated))), values, metric)[0])
    return alpha if np.isfinite(alpha) else None
