"""Fleiss' kappa and Gwet's AC1 with their standard errors; ratings may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.records import Floats

TWO = 2
"""Ratings, units or categories below which nothing can be compared."""


@dataclass(frozen=True, slots=True)
class ChanceCorrected:
    """(p_a - p_e) / (1 - p_e) over units; every field but the counts is None where undefined."""

    value: float | None
    se: float | None
    """Over units as independent draws, from the linearised coefficient."""
    low: float | None
    high: float | None
    observed: float | None
    """Share of agreeing pairs of ratings."""
    chance: float | None
    z: float | None
    """Fleiss' statistic against no agreement beyond chance; only when all units have equally many ratings."""
    units: int
    rated_twice: int


def _unknown(units: int, twice: int) -> ChanceCorrected:
    return ChanceCorrected(None, None, None, None, None, None, None, units, twice)


def shares_by_unit(counts: Floats) -> Floats:
    """Return each unit's share of ratings by category, r_ic / r_i.

    >>> shares_by_unit(np.array([[1., 3.]])).tolist()
    [[0.25, 0.75]]
    """
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


def agreement_by_unit(counts: Floats) -> Floats:
    """Return each unit's share of agreeing pairs, sum_c r_ic (r_ic - 1) / (r_i (r_i - 1)); 0 below two.

    >>> agreement_by_unit(np.array([[2., 1.], [1., 0.]])).round(4).tolist()
    [0.3333, 0.0]
    """
    ratings = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1)
    pairs = ratings * (ratings - 1)
    shares: Floats = np.divide(agreeing, pairs, out=np.zeros(len(counts)), where=pairs > 0)
    return shares


def _linearised(counts: Floats, weights: Floats, chance: float) -> tuple[float, float, float]:
    """Return the coefficient, its SE and the observed agreement.

    Parameters
    ----------
    counts : (U, C) array
    weights : (C,) array
        The share of chance agreement that a rating of each category brings: sum of weights times category
        shares is ``chance``.

    Notes
    -----
    var = sum (k_i* - k)^2 / (n (n - 1)) with k_i* = k_i - 2 (1 - k) (p_e,i - p_e) / (1 - p_e): units rated
    once carry only the part of chance agreement.

    References
    ----------
    Gwet (2008), British J. Mathematical and Statistical Psychology 61, 29-48, with missing ratings as in
    Gwet (2021), Handbook of inter-rater reliability, 5th edition.
    """
    units = len(counts)
    twice = counts.sum(axis=1) > 1
    observed_by_unit = agreement_by_unit(counts) * units / np.count_nonzero(twice)
    observed = float(observed_by_unit.mean())
    value = (observed - chance) / (1 - chance)
    by_unit = (observed_by_unit - chance * twice * units / np.count_nonzero(twice)) / (1 - chance)
    chance_by_unit = shares_by_unit(counts) @ weights
    linear = by_unit - 2 * (1 - value) * (chance_by_unit - chance) / (1 - chance)
    return value, sqrt(float(np.sum((linear - value) ** 2)) / (units * (units - 1))), observed


def fleiss_z(counts: Floats, kappa: float) -> float | None:
    """Return kappa over its standard error under no agreement beyond chance.

    None unless all units have equally many ratings.

    References
    ----------
    Fleiss, Nee & Landis (1979), Psychological Bulletin 86, 974-977.
    """
    ratings = counts.sum(axis=1)
    shares = counts.sum(axis=0) / counts.sum()
    spread = float(np.sum(shares * (1 - shares)))
    if np.ptp(ratings) > 0 or spread == 0:
        return None
    skew = float(np.sum(shares * (1 - shares) * (1 - 2 * shares)))
    pairs = len(counts) * ratings[0] * (ratings[0] - 1)
    variance = 2 * (spread**2 - skew) / (spread**2 * pairs)
    return kappa / sqrt(variance) if variance > 0 else None


def fleiss_kappa(counts: Floats, *, level: float = 0.05) -> ChanceCorrected:
    """Return Fleiss' kappa, generalised to missing ratings.

    Parameters
    ----------
    counts : (U, C) array
        Ratings of each unit in each category; each unit has at least one. Units rated once help to
        estimate how common each category is.
    level : float
        The interval covers 1 - level; normal, clipped to [-1, 1].

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76, 378-382.

    Examples
    --------
    >>> round(fleiss_kappa(np.array([[2., 0.], [0., 2.], [1., 1.]])).value, 4)
    0.3333
    """
    shares = shares_by_unit(counts).mean(axis=0) if len(counts) else np.empty(0)
    return _coefficient(counts, shares, float(shares @ shares), level)


def gwet_coefficient(counts: Floats, *, level: float = 0.05) -> ChanceCorrected:
    """Return Gwet's AC1 with its standard error; parameters are those of `fleiss_kappa`.

    References
    ----------
    Gwet (2008), British J. Mathematical and Statistical Psychology 61, 29-48.

    Examples
    --------
    >>> round(gwet_coefficient(np.array([[2., 0.], [0., 2.], [1., 1.]])).value, 4)
    0.3333
    """
    shares = shares_by_unit(counts).mean(axis=0) if len(counts) else np.empty(0)
    weights = (1 - shares) / max(len(shares) - 1, 1)
    result = _coefficient(counts, weights, float(shares @ weights), level)
    return ChanceCorrected(
        result.value,
        result.se,
        result.low,
        result.high,
        result.observed,
        result.chance,
        None,
        result.units,
        result.rated_twice,
    )


def _coefficient(counts: Floats, weights: Floats, chance: float, level: float) -> ChanceCorrected:
    units = len(counts)
    twice = int(np.count_nonzero(counts.sum(axis=1) > 1)) if units else 0
    used = int(np.count_nonzero(counts.sum(axis=0))) if units else 0
    if not twice or used < TWO:
        return _unknown(units, twice)
    if units < TWO:
        observed = float(agreement_by_unit(counts)[0])
        value = (observed - chance) / (1 - chance)
        return ChanceCorrected(value, None, None, None, observed, chance, None, units, twice)
    value, se, observed = _linearised(counts, weights, chance)
    reach = float(stats.norm.isf(level / 2)) * se
    low, high = max(-1.0, value - reach), min(1.0, value + reach)
    z = fleiss_z(counts, value)
    return ChanceCorrected(value, se, low, high, observed, chance, z, units, twice)
