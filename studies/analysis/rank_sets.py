"""Which ranks an arm can have, given what the comparisons of all pairs show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from studies.analysis.covariance import Covariances, nearest_correlation
from studies.analysis.records import Codes, Floats
from studies.analysis.simultaneous import DRAWS, max_t_critical, symmetric_root


@dataclass(frozen=True, slots=True)
class RankSets:
    """Lowest and highest rank of each arm, in the order of the arms."""

    low: tuple[int, ...]
    """1 + how many arms are significantly better, all pairs tested together by max-t."""
    high: tuple[int, ...]
    """K - how many arms are significantly worse."""
    low_each: tuple[int, ...]
    """The same, with each pair tested at the level by itself."""
    high_each: tuple[int, ...]
    critical: float


def rank_sets(
    strengths: Floats,
    covariances: Covariances,
    *,
    alpha: float,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> RankSets | None:
    """Return the rank sets of K arms; None without two annotators and two prompts.

    Parameters
    ----------
    strengths : (K,) array
    covariances
        Of the strengths, first; terms that follow are ignored.

    Notes
    -----
    The standard error of each difference is from the largest of its variances. The simultaneous sets
    contain all true ranks at once with probability 1 - alpha or more.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91, 476-518.
    """
    if covariances.df < 1:
        return None
    arms = len(strengths)
    upper, lower = (np.asarray(index, dtype=np.int64) for index in np.triu_indices(arms, 1))
    se = np.sqrt(_largest(covariances, upper, lower))  # (pairs,)
    correlation = _correlation_of_strengths(covariances, arms)
    roots = _differences(correlation, upper, lower)
    critical = max_t_critical(roots, covariances.df, alpha=alpha, rng=rng, draws=draws)
    difference = strengths[upper] - strengths[lower]
    each = float(stats.t.isf(alpha / 2, covariances.df))
    low, high = _ranks(difference, se * critical, upper, lower, arms)
    low_each, high_each = _ranks(difference, se * each, upper, lower, arms)
    return RankSets(low, high, low_each, high_each, critical)


def _largest(covariances: Covariances, upper: Codes, lower: Codes) -> Floats:
    """Return the largest variance of each difference, (pairs,)."""
    parts = (covariances.annotators, covariances.prompts, covariances.two_way, covariances.independent)
    found = [p[upper, upper] + p[lower, lower] - 2 * p[upper, lower] for p in parts if p is not None]
    return np.asarray(np.maximum(np.max(found, axis=0), 0.0))


def _correlation_of_strengths(covariances: Covariances, arms: int) -> Floats:
    """Return a positive semi-definite matrix with the two-way covariances' correlations and variances."""
    two_way = covariances.two_way
    matrix = np.eye(arms) if two_way is None else two_way[:arms, :arms]
    scale = np.sqrt(np.maximum(np.diag(matrix), 0))
    return np.asarray(nearest_correlation(matrix) * np.outer(scale, scale))


def _differences(covariance: Floats, upper: Codes, lower: Codes) -> Floats:
    """Return the factor (pairs, K) whose rows have norm 1: z = factor @ normal has the right correlations."""
    root = symmetric_root(covariance)
    rows = root[upper] - root[lower]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0))


def _ranks(
    difference: Floats, reach: Floats, upper: Codes, lower: Codes, arms: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    better, worse = difference > reach, difference < -reach
    beaten = np.bincount(lower[better], minlength=arms) + np.bincount(upper[worse], minlength=arms)
    beats = np.bincount(upper[better], minlength=arms) + np.bincount(lower[worse], minlength=arms)
    return tuple((1 + beaten).tolist()), tuple((arms - beats).tolist())
