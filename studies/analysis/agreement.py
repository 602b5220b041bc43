"""How much annotators agree on the same comparison. Nominal categories: win, tie, both bad, loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.clusters import SPARSE, numbered
from studies.analysis.records import Codes, Floats, Mask, Records

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement over comparisons that two annotators or more have judged; None where undefined."""

    comparisons: int
    """Comparisons judged at least twice."""
    raw: float | None
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    ac1: float | None


def rating_counts(units: Codes, categories: Codes) -> Floats:
    """Return the table of how often each unit was put in each category that occurs.

    Returns
    -------
    (U, C) array

    Examples
    --------
    >>> rating_counts(np.array([5, 5, 7]), np.array([3, 3, 0])).tolist()
    [[0.0, 2.0], [1.0, 0.0]]
    """
    if not len(units):
        return np.zeros((0, 0))
    # Codes with few gaps are counted as they are; empty rows are cheaper to drop than to avoid.
    rows = units if int(units.max()) <= SPARSE * len(units) else numbered(units)
    width = int(categories.max()) + 1
    flat = rows * width
    flat += categories
    counts = np.bincount(flat, minlength=(int(rows.max()) + 1) * width).reshape(-1, width)
    found = counts[:, counts.sum(axis=0) > 0].astype(np.float64)
    return _only(found, found.sum(axis=1) > 0)


def _only(table: Floats, keep: Mask) -> Floats:
    """Return the rows that ``keep`` marks; a copy only when some are left out."""
    return table if keep.all() else table[keep]


def raw_agreement(counts: Floats) -> float | None:
    """Return the mean share of agreeing pairs of ratings, over units rated twice or more.

    >>> raw_agreement(np.array([[2., 0.], [1., 1.]]))
    0.5
    """
    rated = counts[counts.sum(axis=1) > 1]
    if not len(rated):
        return None
    ratings = rated.sum(axis=1)
    return float(np.mean((rated * (rated - 1)).sum(axis=1) / (ratings * (ratings - 1))))


def krippendorff_alpha(counts: Floats) -> float | None:
    """Return Krippendorff's alpha for nominal categories.

    Parameters
    ----------
    counts : (U, C) array
        Ratings of each unit in each category; units rated once do not count.

    Returns
    -------
    float or None
        None when no unit was rated twice, or all ratings are the same: then no disagreement is expected
        and alpha is 0 / 0.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability.

    Examples
    --------
    >>> krippendorff_alpha(np.array([[2., 0.], [0., 2.], [1., 1.]]))
    0.4444444444444444
    """
    rated = _only(counts, counts.sum(axis=1) > 1)
    values = _alphas(rated, np.ones((1, len(rated))))
    return float(values[0]) if np.isfinite(values[0]) else None


def _patterns(counts: Floats) -> tuple[Floats, Floats]:
    """Return the different rows of units rated twice or more, (R, C), and how often each occurs, (R,)."""
    rated = counts[counts.sum(axis=1) > 1]
    patterns, times = np.unique(rated, axis=0, return_counts=True)
    return patterns, times.astype(np.float64)


def _alphas(patterns: Floats, weights: Floats) -> Floats:
    """Return alpha for each row of weights (D, R) over the patterns (R, C); nan where undefined."""
    ratings = patterns.sum(axis=1)  # (R,)
    disagreeing = (ratings**2 - (patterns**2).sum(axis=1)) / np.maximum(ratings - 1, 1)  # (R,)
    totals = weights @ patterns  # (D, C)
    n = totals.sum(axis=1)  # (D,)
    observed = weights @ disagreeing * (n - 1)
    expected = n**2 - (totals**2).sum(axis=1)
    defined = expected > 0
    ratio = np.divide(observed, expected, out=np.full(len(weights), np.nan), where=defined)
    return np.asarray(1 - ratio, dtype=np.float64)


def alpha_interval(counts: Floats, *, level: float, seed: int) -> tuple[float | None, float | None]:
    """Return the percentile interval of alpha over resampled comparisons.

    Units with the same ratings are interchangeable, so resampling units is one multinomial draw over the
    different rating patterns, however many units there are. ``level`` is the total error probability.
    """
    patterns, times = _patterns(counts)
    units = int(times.sum())
    if units < 2:  # noqa: PLR2004 - one unit cannot be resampled
        return None, None
    weights = np.random.default_rng(seed).multinomial(units, times / units, size=DRAWS)
    values = _alphas(patterns, weights.astype(np.float64))
    values = values[np.isfinite(values)]
    # Resamples of one category only have no alpha; when they are many, the rest say little.
    if len(values) < 0.9 * DRAWS:
        return None, None
    low, high = np.quantile(values, [level / 2, 1 - level / 2])
    return float(low), float(high)


def gwet_ac1(counts: Floats) -> float | None:
    """Return Gwet's AC1, which is stable when nearly all ratings are of one category.

    Units rated once help to estimate how common each category is. None when no unit was rated twice or
    only one category occurs.

    References
    ----------
    Gwet (2008), British J. Mathematical and Statistical Psychology 61, 29-48.

    Examples
    --------
    >>> round(gwet_ac1(np.array([[2., 0.], [0., 2.], [1., 1.]])), 4)
    0.3333
    """
    observed = raw_agreement(counts)
    categories = counts.shape[1]
    if observed is None or categories < 2:  # noqa: PLR2004 - chance agreement needs two categories
        return None
    shares = np.mean(counts / counts.sum(axis=1, keepdims=True), axis=0)
    chance = float(np.sum(shares * (1 - shares))) / (categories - 1)
    return float((observed - chance) / (1 - chance))


def agreement(records: Records, *, level: float, seed: int) -> Agreement:
    """Return every measure of agreement on the same comparisons."""
    if not len(records):
        return Agreement(0, None, None, None, None, None)
    counts = rating_counts(records.comparison, records.outcome)
    alpha = krippendorff_alpha(counts)
    low, high = (None, None) if alpha is None else alpha_interval(counts, level=level, seed=seed)
    twice = int(np.count_nonzero(counts.sum(axis=1) > 1))
    return Agreement(twice, raw_agreement(counts), alpha, low, high, gwet_ac1(counts))
