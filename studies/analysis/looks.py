"""The looks that a plan allowed before the end, and the p-value that holds over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from studies.analysis.interim import (
    ConfidenceSequence,
    Monitoring,
    annotator_means,
    confidence_sequence,
    monitor,
)
from studies.analysis.interval import estimate_share
from studies.analysis.plan import ANYTIME_VALID, Interim
from studies.analysis.records import Floats, Mask, Records
from studies.analysis.refusal import RefusalError

LARGEST_ALPHA = 0.5
"""Above it the boundaries mean nothing; a p-value beyond is 1."""
SMALLEST_ALPHA = 1e-8
STEPS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What the plan's rule says of the primary criterion over every look, the last one included."""

    interim: Interim
    monitoring: Monitoring | None
    """Of a group-sequential plan."""
    sequence: ConfidenceSequence | None
    """Of an anytime-valid plan."""
    p_value: float
    """Holds however many looks were taken and whyever collection stopped."""


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
        Of the primary criterion, ties already treated.
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
    Jennison & Turnbull (2000), Group Sequential Methods, section 8.4, for p-values on termination.
    """
    if times is None:
        raise RefusalError("The judgments have no times, so nobody can say what each look saw.")
    if plan.interim.method == ANYTIME_VALID:
        return _anytime(records, times, plan.interim, alpha)
    seen = [times <= moment for moment in sorted(plan.moments)]
    masks = [mask for mask in seen if not np.all(mask)] + [np.ones(len(times), dtype=np.bool_)]
    return _grouped(records, masks, plan, alpha)


def _anytime(records: Records, times: Floats, interim: Interim, alpha: float) -> Looks:
    """Bet annotator by annotator, in the order in which they finished."""
    last: dict[int, float] = {}
    for annotator, time in zip(records.annotator.tolist(), times.tolist(), strict=True):
        last[annotator] = max(time, last.get(annotator, time))
    finished = np.array([last[annotator] for annotator in records.annotator.tolist()])
    order = np.lexsort((records.annotator, finished))
    ordered = records.take(order)
    found = confidence_sequence(annotator_means(ordered.credit, ordered.annotator), alpha=alpha)
    return Looks(interim, None, found, min(1.0, 1 / found.e_value))


def _grouped(records: Records, masks: Sequence[Mask], plan: LookPlan, alpha: float) -> Looks:
    estimates = [
        estimate_share(seen.credit, seen.annotator, seen.prompt, alpha=alpha)
        for seen in map(records.where, masks)
    ]
    most = max(plan.planned or 0, estimates[-1].n)
    shares = [estimate.n / most if most else 0.0 for estimate in estimates]

    def at(level: float) -> Monitoring:
        return monitor(
            estimates, shares=shares, final=plan.final, alpha=level, spending=plan.interim.spending
        )

    return Looks(plan.interim, at(alpha), None, _smallest(lambda level: at(level).stopped_at is not None))


def _smallest(rejects: Callable[[float], bool]) -> float:
    """Return the smallest alpha at which the boundaries are crossed, by bisection on its logarithm."""
    if not rejects(LARGEST_ALPHA):
        return 1.0
    low, high = log(SMALLEST_ALPHA), log(LARGEST_ALPHA)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rejects(exp(middle)) else (middle, high)
    return exp(high)
