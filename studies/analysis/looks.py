"""The looks that a plan allowed before the end, and the p-value that holds over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from scipy import stats

from studies.analysis.interim import (
    ConfidenceSequence,
    Monitoring,
    annotator_means,
    confidence_limits,
    confidence_sequence,
    monitor,
)
from studies.analysis.interval import Estimate, estimate_share
from studies.analysis.plan import ANYTIME_VALID, Interim
from studies.analysis.records import Floats, Mask, Records
from studies.analysis.refusal import RefusalError

LARGEST_ALPHA = 0.5
"""Above it the boundaries mean nothing; a p-value beyond is 1."""
SMALLEST_ALPHA = 1e-8
STEPS = 24
HALF = 0.5
CONTRADICTION = (
    "A boundary was crossed in favour of one arm, and all judgments together lean to the other, or no win "
    "rate is left that every look allows. The looks contradict each other, so nothing is claimed: p is 1, "
    "and the interval is the last look's."
)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What was seen at each look, so that it can be held against other bounds than 1/2."""

    estimates: tuple[Estimate, ...] = ()
    """Of a group-sequential plan, one per look."""
    shares: tuple[float, ...] = ()
    final: bool = True
    spending: str = "obrien_fleming"
    means: Floats | None = None
    """Of an anytime-valid plan, annotators' means in the order in which they finished."""

    def latest(self) -> float:
        """Return the estimate of all judgments; 1/2 without any."""
        if self.means is not None:
            return float(self.means.mean()) if len(self.means) else HALF
        mean = self.estimates[-1].mean if self.estimates else None
        return HALF if mean is None else mean

    def monitored(self, alpha: float, *, null: float = HALF) -> Monitoring:
        """Return each look's test of ``null`` against its boundary."""
        shifted = [shift(estimate, null) for estimate in self.estimates]
        return monitor(shifted, shares=self.shares, final=self.final, alpha=alpha, spending=self.spending)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What the plan's rule says of one criterion over every look, the last one included."""

    interim: Interim
    monitoring: Monitoring | None
    """Of a group-sequential plan."""
    sequence: ConfidenceSequence | None
    """Of an anytime-valid plan."""
    p_value: float
    """Holds however many looks were taken and whyever collection stopped."""
    ci_low: float | None
    ci_high: float | None
    """What every look allows: covers 1 - alpha however many there were. None before there is any."""
    series: Series
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LookPlan:
    """When the looks were, and how many judgments of the primary criterion the plan asks for."""

    interim: Interim
    moments: tuple[float, ...] = ()
    """Seconds since 1970; judgments until then were seen."""
    planned: int | None = None
    final: bool = True
    """Whether collection has ended, so that the last look spends whatever is left."""


def looks(records: Records, times: Floats | None, plan: LookPlan, *, alpha: float) -> Looks:
    """Return the plan's rule applied to every look.

    Parameters
    ----------
    records
        Of one criterion and pair of arms, ties already treated.
    times : (n,) array
        When each was judged, in seconds.
    plan
        Looks at the same judgments twice count once.
    alpha
        Error over all looks.

    Raises
    ------
    RefusalError
        The judgments have no times.

    Notes
    -----
    The p-value of a group-sequential plan is the smallest alpha whose boundaries would have been crossed.
    Shares are of judgments, a clock that was fixed with the plan. That of an anytime-valid plan is 1 over
    the largest capital of a bet on annotators' means (`interim.confidence_sequence`).

    References
    ----------
    Jennison & Turnbull (1999), Group Sequential Methods with Applications to Clinical Trials, section 8.4
    for p-values on termination, ch. 9 for repeated confidence intervals; Glimm, Maurer & Bretz (2010),
    Statistics in Medicine 29, 219-228, for each criterion in a hierarchy with a spending of its own.
    """
    if times is None:
        raise RefusalError("The judgments have no times, so nobody can say what each look saw.")
    if plan.interim.method == ANYTIME_VALID:
        return _anytime(records, times, plan.interim, alpha)
    seen = [times <= moment for moment in sorted(plan.moments)]
    masks = [mask for mask in seen if not np.all(mask)] + [np.ones(len(times), dtype=np.bool_)]
    if len(times) and any(np.all(mask) for mask in seen):
        # Collection ended on what a look had seen: it may have ended because of it, so the look spends
        # what its share of the plan allows, and not everything.
        plan = replace(plan, final=False)
    return _grouped(records, masks, plan, alpha)


def _anytime(records: Records, times: Floats, interim: Interim, alpha: float) -> Looks:
    """Bet annotator by annotator, in the order in which they finished."""
    people, codes = np.unique(records.annotator, return_inverse=True)
    last = np.full(len(people), -np.inf)
    np.maximum.at(last, codes, times)
    finished = last[codes]
    order = np.lexsort((records.annotator, finished))
    ordered = records.take(order)
    means = annotator_means(ordered.credit, ordered.annotator)
    found = confidence_sequence(means, alpha=alpha)
    limits = [(float(found.low[-1]), float(found.high[-1]))] if len(found.low) else []
    mean = float(records.credit.mean()) if len(records) else HALF
    made = Looks(interim, None, found, min(1.0, 1 / found.e_value), None, None, Series(means=means))
    final = confidence_limits(means, alpha=alpha) if len(means) else None
    return _bounded(made, limits, mean, final)


def _grouped(records: Records, masks: Sequence[Mask], plan: LookPlan, alpha: float) -> Looks:
    estimates = [
        estimate_share(seen.credit, seen.annotator, seen.prompt, alpha=alpha)
        for seen in map(records.where, masks)
    ]
    most = max(plan.planned or 0, estimates[-1].n)
    series = Series(
        estimates=tuple(estimates),
        shares=tuple(estimate.n / most if most else 0.0 for estimate in estimates),
        final=plan.final,
        spending=plan.interim.spending,
    )
    found = series.monitored(alpha)
    p_value = smallest_alpha(lambda level: series.monitored(level).stopped_at is not None)
    limits = [(look.ci_low, look.ci_high) for look in found.looks]
    made = Looks(plan.interim, found, None, p_value, None, None, series)
    return _bounded(made, limits, series.latest(), limits[-1] if limits else None)


def _bounded(
    made: Looks, limits: Sequence[tuple[float, float]], mean: float, last: tuple[float, float] | None
) -> Looks:
    """Add the interval that every look allows, or say that the looks contradict each other.

    All looks' intervals cover at once, so what they have in common covers as well. Where the mean of all
    judgments lies outside on the same side of 1/2, the interval is widened to hold it.
    """
    if last is None:
        return made
    low, high = max(one for one, _ in limits), min(one for _, one in limits)
    contradicts = low > high or (low > HALF and mean <= HALF) or (high < HALF and mean >= HALF)
    if contradicts:
        return replace(made, p_value=1.0, ci_low=last[0], ci_high=last[1], caveats=(CONTRADICTION,))
    return replace(made, ci_low=min(low, mean), ci_high=max(high, mean))


def shift(estimate: Estimate, null: float) -> Estimate:
    """Return the estimate with its test against ``null``, as if that were 1/2.

    >>> from studies.analysis.interval import estimate_share
    >>> a, p = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> found = shift(estimate_share(np.array([1., 1., 0., 1.]), a, p, alpha=.05), .75)
    >>> found.mean, found.p_value
    (0.5, 1.0)
    """
    if null == HALF or not estimate.se or not estimate.df or estimate.mean is None:
        return estimate
    statistic = (estimate.mean - null) / estimate.se
    p_value = float(2 * stats.t.sf(abs(statistic), estimate.df))
    return replace(estimate, mean=estimate.mean - null + HALF, statistic=statistic, p_value=min(1.0, p_value))


def smallest_alpha(rejects: Callable[[float], bool]) -> float:
    """Return the smallest alpha at which the boundaries are crossed, by bisection on its logarithm."""
    if not rejects(LARGEST_ALPHA):
        return 1.0
    low, high = log(SMALLEST_ALPHA), log(LARGEST_ALPHA)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rejects(exp(middle)) else (middle, high)
    return exp(high)
