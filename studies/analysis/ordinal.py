"""Cumulative logits: graded answers without supposing equal steps. A sensitivity of the mean score.

Covered: proportional odds with fixed effects, with or without one normal random intercept (by annotator).
Not covered: two crossed random intercepts, random slopes, partial proportional odds, other links.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

FAR = 1e3
"""A threshold that nothing exceeds: the outer limits of the first and last category."""
TINY = 1e-300
BOUNDARY = 1e-2
"""A standard deviation between annotators below which it is at zero."""
NO_SPREAD = "The annotators do not differ beyond chance: their variance is at zero."
SEPARATED = "The answers are separated: the ordinal model has no finite estimate."
ONE_SIDED = "Every score that prefers a side prefers the same one: the location has no limit."
STEPS = 60
FLAT = 1e-5
"""Information below which the likelihood does not depend on a parameter: a deviation at zero, say."""


@dataclass(frozen=True, slots=True)
class OrdinalFit:
    """A fitted cumulative logit; the tuples follow the design's columns."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    z: tuple[float, ...]
    p_values: tuple[float, ...]
    thresholds: tuple[float, ...]
    var_annotator: float | None
    """Variance of the random intercept; None without one."""
    log_likelihood: float
    n: int
    caveats: tuple[str, ...]


Thresholds = Callable[[Floats], Floats]


def free_thresholds(raw: Floats) -> Floats:
    """Return ascending thresholds: the first, then exponentials of the steps.

    >>> free_thresholds(np.array([-1., 0.])).tolist()
    [-1.0, 0.0]
    """
    return np.asarray(np.cumsum(np.concatenate([raw[:1], np.exp(raw[1:])])), dtype=np.float64)


def symmetric_thresholds(raw: Floats, categories: int) -> Floats:
    """Return thresholds that mirror around zero, so that the location alone prefers a side.

    >>> symmetric_thresholds(np.array([0., 0.]), 5).tolist()
    [-2.0, -1.0, 1.0, 2.0]
    >>> symmetric_thresholds(np.array([0.]), 4).tolist()
    [-1.0, 0.0, 1.0]
    """
    upper = np.cumsum(np.exp(raw))
    middle = np.zeros(0 if categories % 2 else 1)
    return np.concatenate([-upper[::-1], middle, upper])


def log_chances(answers: Codes, location: Floats, thresholds: Floats) -> Floats:
    """Return log P(answer) with P(Y <= j) = expit(theta_j - location), (n,).

    The difference of two logistic functions is written as a product, which keeps its digits in the tails.
    """
    limits = np.concatenate([[-FAR], thresholds, [FAR]])
    upper, lower = limits[answers + 1] - location, limits[answers] - location
    gap = np.maximum(limits[answers + 1] - limits[answers], TINY)
    return np.asarray(
        special.log_expit(upper) + special.log_expit(-lower) + np.log(-np.expm1(-gap)), dtype=np.float64
    )


def _slopes(answers: Codes, location: Floats, thresholds: Floats) -> tuple[Floats, Floats]:
    """Return the first derivative and minus the second of `log_chances` by the location, (n,) each.

    d log P = F(upper) + F(lower) - 1 and -d2 log P = f(upper) + f(lower), with signs of the location.
    """
    limits = np.concatenate([[-FAR], thresholds, [FAR]])
    upper = special.expit(limits[answers + 1] - location)
    lower = special.expit(limits[answers] - location)
    first = -(1 - upper - lower)
    return first, upper * (1 - upper) + lower * (1 - lower)


def laplace(answers: Codes, location: Floats, thresholds: Floats, groups: Codes, sd: float) -> float:
    """Return the log-likelihood with one normal intercept per group, by Laplace's approximation.

    log L = sum_g [l_g(u) - u^2 / 2 - log(1 + sd^2 h_g(u)) / 2] at each group's best standardised u.

    References
    ----------
    Tuerlinckx et al. (2006), British J. Mathematical and Statistical Psychology 59, 225-255.
    """
    count = int(groups.max()) + 1
    u = np.zeros(count)
    for _ in range(STEPS):
        first, second = _slopes(answers, location + sd * u[groups], thresholds)
        gradient = sd * np.bincount(groups, weights=first, minlength=count) - u
        step = gradient / (1 + sd**2 * np.bincount(groups, weights=second, minlength=count))
        u += np.clip(step, -2, 2)
        if np.max(np.abs(step)) < 1e-10:  # noqa: PLR2004 - converged
            break
    shifted = location + sd * u[groups]
    _, second = _slopes(answers, shifted, thresholds)
    curvature = 1 + sd**2 * np.bincount(groups, weights=second, minlength=count)
    total = log_chances(answers, shifted, thresholds).sum() - u @ u / 2 - np.log(curvature).sum() / 2
    return float(total)


def cumulative_logit(answers: Codes, design: Floats, *, annotator: Codes | None = None) -> OrdinalFit:
    """Fit a proportional-odds model, with a random intercept per annotator when they are given.

    Parameters
    ----------
    answers : (n,) array
        Ordered codes; unused codes between do not matter.
    design : (n, k) array
        Fixed effects, without a constant column.
    annotator : (n,) array, optional

    Raises
    ------
    RefusalError
        Fewer than two categories, no answers, or answers that a column separates.

    References
    ----------
    McCullagh (1980), J. Royal Statistical Society B 42, 109-142.
    """
    names, codes = _ordered(answers)
    shares = np.cumsum(np.bincount(codes)) / len(codes)
    start = special.logit(shares[:-1])
    raw = np.concatenate([start[:1], np.log(np.maximum(np.diff(start), 1e-3)), np.zeros(design.shape[1])])
    return _fit(codes, design, (free_thresholds, raw, len(names) - 1), annotator)


def symmetric_location(scores: Floats, *, annotator: Codes | None = None) -> OrdinalFit:
    """Fit one location under thresholds that mirror around zero: above zero the candidate is preferred.

    Parameters
    ----------
    scores : (n,) array
        Signed scores; the categories are all steps from -max |score| to max |score| that occur with
        either sign, so that exchanging the arms changes the location's sign only.
    annotator : (n,) array, optional
        Gives each annotator a random intercept.

    Raises
    ------
    RefusalError
        No scores, all of them zero, or all others on the same side.

    References
    ----------
    Agresti (1992), Applied Statistics 41, 287-297, the adjacent model's cumulative counterpart.
    """
    if not len(scores) or not np.any(scores):
        raise RefusalError("There is no score that prefers a side.")
    if scores.min() >= 0 or scores.max() <= 0:
        raise RefusalError(ONE_SIDED)
    steps = np.unique(np.abs(scores))
    values = np.unique(np.concatenate([-steps, steps]))
    codes = np.searchsorted(values, scores).astype(np.int64)
    raw = np.zeros((len(values) - 1) // 2 + 1)

    def mirrored(part: Floats) -> Floats:
        return symmetric_thresholds(part, len(values))

    return _fit(codes, np.ones((len(scores), 1)), (mirrored, raw, len(raw) - 1), annotator)


def _ordered(answers: Codes) -> tuple[Codes, Codes]:
    names, codes = np.unique(answers, return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004 - one category has no order
        raise RefusalError("There are fewer than two different answers: nothing to order.")
    return names, codes.astype(np.int64)


def _fit(
    codes: Codes, design: Floats, start: tuple[Thresholds, Floats, int], annotator: Codes | None
) -> OrdinalFit:
    """Maximise the likelihood over thresholds, coefficients and the log of the intercept's deviation."""
    thresholds_of, raw, split = start
    groups = None if annotator is None else np.unique(annotator, return_inverse=True)[1].astype(np.int64)
    first = raw if groups is None else np.append(raw, 0.0)
    width = design.shape[1]

    def minus(free: Floats) -> float:
        thresholds, location = thresholds_of(free[:split]), design @ free[split : split + width]
        if groups is None:
            return -float(log_chances(codes, location, thresholds).sum())
        return -laplace(codes, location, thresholds, groups, float(np.exp(min(free[-1], 5.0))))

    best = optimize.minimize(minus, first, method="BFGS", options={"gtol": 1e-6})
    errors = _errors(minus, best.x)[split : split + width]
    if not np.all(np.isfinite(errors)):
        raise RefusalError(SEPARATED)
    spread = None if groups is None else float(np.exp(best.x[-1]))
    caveats = [NO_SPREAD] if spread is not None and spread < BOUNDARY else []
    coefficients = best.x[split : split + width].tolist()
    z = [b / e for b, e in zip(coefficients, errors, strict=True)]
    return OrdinalFit(
        coefficients=tuple(coefficients),
        errors=tuple(errors),
        z=tuple(z),
        p_values=tuple(float(2 * stats.norm.sf(abs(one))) for one in z),
        thresholds=tuple(thresholds_of(best.x[:split]).tolist()),
        var_annotator=None if spread is None else spread**2,
        log_likelihood=-float(best.fun),
        n=len(codes),
        caveats=tuple(caveats),
    )


def _errors(minus: Callable[[Floats], float], best: Floats) -> list[float]:
    """Return standard errors from the numeric Hessian; infinite where the likelihood is flat."""
    k, step = len(best), 1e-4
    moves = np.eye(k) * step
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(i, k):
            corners = [minus(best + a * moves[i] + b * moves[j]) for a in (1, -1) for b in (1, -1)]
            value = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
            hessian[i, j] = hessian[j, i] = value
    used = np.diag(hessian) > FLAT
    errors = np.full(k, np.inf)
    part = hessian[np.ix_(used, used)]
    if used.any() and np.linalg.eigvalsh(part).min() > 0:
        errors[used] = np.sqrt(np.diag(np.linalg.inv(part)))
    return [float(error) for error in errors]
