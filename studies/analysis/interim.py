"""Looking at a study before it ends, without more false claims than one look would make.

Two ways: spend the error over looks, with the cluster-robust z and the information from its variance; or
bet, annotator by annotator, which allows any number of looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from studies.analysis.interval import Estimate
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError
from studies.analysis.spending import SMALLEST_STEP, boundaries, legendre, obrien_fleming, pocock

SPENDING = {"obrien_fleming": obrien_fleming, "pocock": pocock}
"""Lan and DeMets' functions by name."""
NO_GROWTH = "Information did not grow enough since the last look; this look was not made."
NOT_ESTIMABLE = "There is no clustered standard error yet; this look was not made."
MOST_NODES = 250
MOST_LOOKS = 30
EDGE = 1e-9
"""How close to 0 and 1 a limit is searched."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look, against its boundary."""

    number: int
    """Counts looks that were made."""
    n: int
    information: float
    """1 / V, from the clustered variance."""
    fraction: float
    """Share of the planned information, at most 1; 1 at the final look."""
    spent: float
    """Error probability spent with this look."""
    z: float
    """The normal quantile of the clustered t test's p-value, with its sign."""
    boundary: float
    nominal_p: float
    """The two-sided p-value that the boundary amounts to."""
    crossed: bool
    win_rate: float
    ci_low: float
    ci_high: float
    """The repeated confidence interval: all looks' intervals cover at once with 1 - alpha."""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """All looks that were made, and the first at which the boundary was crossed."""

    looks: tuple[Look, ...]
    alpha: float
    stopped_at: int | None
    """Number of the first look that crossed."""
    favours_candidate: bool | None
    """On which side the first crossing was."""
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceSequence:
    """Limits that cover at every look at once; arrays have one entry per look."""

    looks: tuple[int, ...]
    """After how many annotators each look was."""
    low: Floats
    high: Floats
    e_value: float
    """Largest capital so far of a bet against 1/2; 1 / e_value bounds the chance of a false alarm."""
    rejected_at: int | None
    """Number of annotators after which 1/2 was first excluded."""
    alpha: float
    annotators: int
    caveats: tuple[str, ...]


def robust_z(estimate: Estimate) -> float | None:
    """Return the normal quantile of the estimate's p-value, with the sign of the effect.

    With few clusters the statistic is t distributed; its p-value, and not its value, is what a normal
    boundary can be held against. None where there is no test, or all judgments agree.
    """
    if not estimate.se or estimate.mean is None or estimate.p_value is None:
        return None
    return float(np.sign(estimate.mean - 0.5) * stats.norm.isf(max(estimate.p_value, 1e-300) / 2))


def monitor(
    estimates: Sequence[Estimate],
    *,
    planned_information: float | None = None,
    shares: Sequence[float] | None = None,
    final: bool,
    alpha: float = 0.05,
    spending: str = "obrien_fleming",
) -> Monitoring:
    """Hold each look's clustered test against Lan and DeMets' O'Brien-Fleming boundary.

    Parameters
    ----------
    estimates
        One per look in order, each of all judgments until then.
    planned_information : float
        1 / V that the plan expects at its end; a look's share of it is what has been spent.
    shares
        Each look's share of the plan by a clock that was fixed beforehand, such as judgments over planned
        judgments; instead of ``planned_information``.
    final
        The last look is the planned end: everything that is left is spent, however much information
        there turned out to be.
    alpha : float
        Two-sided error over all looks.
    spending
        How it is spent: a name of `SPENDING`.

    Raises
    ------
    RefusalError
        ``planned_information`` is not above zero, or there is no such spending.

    Notes
    -----
    Looks before there is a standard error, or that add too little information, are left out with a
    caveat. Reaching the planned information early ends the plan: everything is spent there, and later
    looks are not made. Assumes that the sequence of scores has nearly independent increments, which
    calibration confirms for annotators who arrive in turn and for mixed arrival.

    References
    ----------
    Lan & DeMets (1983), Biometrika 70, 659-663; Jennison & Turnbull (2000), Group Sequential Methods,
    ch. 11, for information from the variance.
    """
    if spending not in SPENDING:
        raise RefusalError(f"Unknown spending {spending!r}; known are {', '.join(SPENDING)}.")
    planned = _planned(estimates, planned_information, shares)
    kept, caveats = _made(estimates, planned)
    information = [1 / estimate.se**2 for estimate in kept if estimate.se]
    fractions = [min(1.0, one / planned) for one in information]
    if shares is not None:
        fractions = [min(1.0, shares[estimates.index(estimate)]) for estimate in kept]
    if final and kept and kept[-1] is estimates[-1]:
        fractions[-1] = 1.0
    spent = [SPENDING[spending](fraction, alpha) for fraction in fractions]
    bounds = boundaries(information, spent, whole=planned)
    looks = tuple(
        _look(number, *parts)
        for number, parts in enumerate(zip(kept, information, fractions, spent, bounds, strict=True), 1)
    )
    first = next((look for look in looks if look.crossed), None)
    return Monitoring(
        looks=looks,
        alpha=alpha,
        stopped_at=first.number if first else None,
        favours_candidate=first.z > 0 if first else None,
        caveats=tuple(dict.fromkeys(caveats)),
    )


def _planned(
    estimates: Sequence[Estimate], information: float | None, shares: Sequence[float] | None
) -> float:
    """Return the information that is planned; by another clock, what it amounts to at the last look."""
    if shares is not None:
        reached = [1 / estimate.se**2 for estimate in estimates if estimate.se]
        return max(reached) * (1 + EDGE) if reached else 1.0
    if information is None or not information > 0:
        raise RefusalError("The planned information must be above zero.")
    return information


def _made(estimates: Sequence[Estimate], planned: float) -> tuple[list[Estimate], list[str]]:
    """Return the estimates that make a look, and why the others do not."""
    kept: list[Estimate] = []
    caveats = []
    reached = 0.0
    for estimate in estimates:
        if reached >= planned:
            caveats.append("The planned information was reached before; this look was not made.")
        elif not estimate.se or robust_z(estimate) is None:
            caveats.append(NOT_ESTIMABLE)
        elif 1 / estimate.se**2 < reached + SMALLEST_STEP * planned:
            caveats.append(NO_GROWTH)
        else:
            kept.append(estimate)
            reached = 1 / estimate.se**2
    return kept, caveats


def _look(
    number: int, estimate: Estimate, information: float, fraction: float, spent: float, boundary: float
) -> Look:
    z = robust_z(estimate) or 0.0
    mean = 0.5 if estimate.mean is None else estimate.mean
    reach = repeated_reach(estimate, boundary)
    return Look(
        number=number,
        n=estimate.n,
        information=information,
        fraction=fraction,
        spent=spent,
        z=z,
        boundary=boundary,
        nominal_p=float(2 * stats.norm.sf(boundary)),
        crossed=abs(z) >= boundary,
        win_rate=mean,
        ci_low=max(0.0, mean - reach),
        ci_high=min(1.0, mean + reach),
    )


def repeated_reach(estimate: Estimate, boundary: float) -> float:
    """Return half the width of the repeated confidence interval at a look: t(2 Phi(-b), df) se.

    It excludes 1/2 exactly when the look crosses its boundary, because both use the clustered t.

    References
    ----------
    Jennison & Turnbull (1989), J. Royal Statistical Society B 51, 305-361; (1999) Group Sequential Methods
    with Applications to Clinical Trials, ch. 9.
    """
    if not estimate.se or not estimate.df:
        return 1.0
    return float(stats.t.isf(stats.norm.sf(boundary), estimate.df)) * estimate.se


def annotator_means(credit: Floats, annotator: Codes) -> Floats:
    """Return each annotator's mean credit, in the order in which they first appear.

    >>> annotator_means(np.array([1., 0., 1., 1.]), np.array([7, 7, 2, 2])).tolist()
    [0.5, 1.0]
    """
    _, first, index = np.unique(annotator, return_index=True, return_inverse=True)
    means = np.bincount(index, weights=credit) / np.bincount(index)
    return np.asarray(means[np.argsort(first)], dtype=np.float64)


def log_capital(values: Floats, mean: float) -> Floats:
    """Return the log capital after each value of bets against ``mean``.

    K_n(m) = integral over p in (0, 1) of prod_i (x_i p / m + (1 - x_i) (1 - p) / (1 - m)). Each factor
    has mean 1 when E x = m, so K is a martingale; for x of 0 and 1 it is the Bayes factor of a uniform
    prior against m.

    Parameters
    ----------
    values : (n,) array
        In [0, 1], in order.
    mean : float
        In (0, 1).

    Returns
    -------
    (n,) array

    References
    ----------
    Waudby-Smith & Ramdas (2024), J. Royal Statistical Society B 86, 1-27.

    Examples
    --------
    >>> np.exp(log_capital(np.ones(2), 0.5)).round(4).tolist()
    [1.0, 1.3333]
    """
    # The integrand is a polynomial of degree n in p: so many nodes integrate it exactly.
    # From some hundreds on the integrand is smooth enough for fewer.
    nodes, weights = legendre(min(len(values) // 2 + 1, MOST_NODES))
    p = (nodes + 1) / 2  # (Q,)
    factors = np.multiply.outer(values / mean, p) + np.multiply.outer((1 - values) / (1 - mean), 1 - p)
    return np.asarray(special.logsumexp(np.cumsum(np.log(factors), axis=0), b=weights / 2, axis=1))


def confidence_limits(values: Floats, *, alpha: float = 0.05) -> tuple[float, float]:
    """Return the means that bets on ``values`` do not refute: K_n(m) < 1 / alpha.

    K is log-convex in m, so they are an interval. Valid at this n even if n was chosen by looking.

    Examples
    --------
    >>> [round(limit, 4) for limit in confidence_limits(np.repeat([1.0, 0.0], [75, 25]))]
    [0.5962, 0.8701]
    """
    threshold = -np.log(alpha)

    def excess(mean: float) -> float:
        return float(log_capital(values, mean)[-1] - threshold)

    lowest = optimize.minimize_scalar(excess, bounds=(EDGE, 1 - EDGE), method="bounded").x
    low = EDGE if excess(EDGE) < 0 else optimize.brentq(excess, EDGE, lowest, xtol=1e-10)
    high = 1 - EDGE if excess(1 - EDGE) < 0 else optimize.brentq(excess, lowest, 1 - EDGE, xtol=1e-10)
    return (0.0 if low <= EDGE else float(low)), (1.0 if high >= 1 - EDGE else float(high))


def confidence_sequence(values: Floats, *, alpha: float = 0.05) -> ConfidenceSequence:
    """Return limits of the mean that hold at every look at once.

    Parameters
    ----------
    values : (n,) array
        One value in [0, 1] for each annotator, in order of completion: `annotator_means`. Single
        judgments would be correlated, and the sequence would not be valid.
    alpha : float

    Returns
    -------
    ConfidenceSequence
        Limits never widen: each is the intersection with those before. Without annotators they are
        empty and nothing is rejected.

    Raises
    ------
    RefusalError
        A value outside [0, 1].

    Notes
    -----
    Speaks of the mean annotator on the prompts of this study: prompts are shared by annotators and taken
    as given. Assumes that annotators are independent draws.

    References
    ----------
    Waudby-Smith & Ramdas (2024), J. Royal Statistical Society B 86, 1-27.
    """
    if np.any((values < 0) | (values > 1)) or np.any(np.isnan(values)):
        raise RefusalError("A mean credit lies between 0 and 1.")
    caveats = ("It speaks of other annotators on these prompts; prompts are taken as given.",)
    if not len(values):
        return ConfidenceSequence((), values, values, 1.0, None, alpha, 0, caveats)
    # Fewer looks than allowed are still valid; the e-value and the rejection use every annotator.
    each = log_capital(values, 0.5)
    spread = np.linspace(1, len(values), min(len(values), MOST_LOOKS)).round().astype(np.int64)
    # Where the bet against 1/2 stood highest, so that the limits exclude 1/2 when the bet does.
    looks = np.unique(np.append(spread, np.argmax(each) + 1))
    limits = np.array([confidence_limits(values[:n], alpha=alpha) for n in looks.tolist()])
    capital = np.maximum.accumulate(each)
    rejected = np.flatnonzero(capital >= -np.log(alpha))
    return ConfidenceSequence(
        looks=tuple(looks.tolist()),
        low=np.maximum.accumulate(limits[:, 0]),
        high=np.minimum.accumulate(limits[:, 1]),
        e_value=float(np.exp(max(0.0, min(capital[-1], 700.0)))),
        rejected_at=int(rejected[0]) + 1 if len(rejected) else None,
        alpha=alpha,
        annotators=len(values),
        caveats=caveats,
    )
