"""Margins when a plan has looks: non-inferiority and equivalence over all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studies.analysis.further import Margins
from studies.analysis.interim import log_capital
from studies.analysis.looks import HALF, Looks, Series, smallest_alpha
from studies.analysis.noninferiority import Decision
from studies.analysis.records import Floats

NO_LOOK = "No look could be made by the plan's rule, so nothing is tested against the margin."
OVER_LOOKS = "The p-value and the limit hold over all planned looks."
NUDGE = 1e-6
"""How far below a bound the capital is compared, to see on which side of it the bets stand."""


def over_looks(found: Margins, made: Looks, *, alpha: float) -> Margins:
    """Return both tests with p-values and limits that hold over every look.

    Each side is tested with two-sided boundaries at twice its error, of which only its own side counts.
    What could not be tested stays untested.

    References
    ----------
    Jennison & Turnbull (1999), Group Sequential Methods with Applications to Clinical Trials, ch. 6 and 9.
    """
    worse, same = found.non_inferiority, found.equivalence
    if worse.p_value is None or same.p_value is None:
        return found
    if made.ci_low is None:
        return untested(found)
    low, high = _limits(made, alpha)
    p_lower = p_above(made.series, worse.bound)
    p_upper = p_above(mirrored(made.series), worse.bound)
    p_same = max(p_lower, p_upper)
    return Margins(
        replace(
            worse,
            p_value=p_lower,
            limit=low,
            decision=Decision.NON_INFERIOR if p_lower < alpha else Decision.NON_INFERIORITY_NOT_SHOWN,
            caveats=(*worse.caveats, OVER_LOOKS),
        ),
        replace(
            same,
            p_lower=p_lower,
            p_upper=p_upper,
            p_value=p_same,
            low=low,
            high=high,
            decision=Decision.EQUIVALENT if p_same < alpha else Decision.EQUIVALENCE_NOT_SHOWN,
            caveats=(*same.caveats, OVER_LOOKS),
        ),
    )


def untested(found: Margins) -> Margins:
    """Return no answer: without a look that could be made, nothing holds over the looks."""
    worse, same = found.non_inferiority, found.equivalence
    decision, caveats = Decision.NOT_TESTED, (NO_LOOK,)
    return Margins(
        replace(worse, limit=None, p_value=None, decision=decision, caveats=caveats),
        replace(
            same,
            low=None,
            high=None,
            p_lower=None,
            p_upper=None,
            p_value=None,
            decision=decision,
            caveats=caveats,
        ),
    )


def p_above(series: Series, bound: float) -> float:
    """Return the one-sided p-value, over all looks, of "the win rate is at most ``bound``".

    It is 1 where all judgments together are not above the bound, whatever an early look saw.
    """
    if series.latest() <= bound:
        return 1.0
    if series.means is not None:
        return _p_bets(series.means, bound)

    def crossed(level: float) -> bool:
        return any(look.z >= look.boundary for look in series.monitored(level, null=bound).looks)

    return smallest_alpha(crossed) / 2 if crossed(HALF) else 1.0


def _p_bets(means: Floats, bound: float) -> float:
    """Return 1 over the largest capital against ``bound`` while every lower mean is refuted as well.

    The capital is log-convex in the mean, so it is enough that it falls towards the bound from below.
    """
    if not len(means):
        return 1.0
    capital = log_capital(means, bound)
    above = log_capital(means, bound - NUDGE) > capital
    return min(1.0, float(np.exp(-capital[above].max()))) if np.any(above) else 1.0


def mirrored(series: Series) -> Series:
    """Return the same looks with the arms exchanged."""
    return replace(
        series,
        estimates=tuple(
            replace(one, mean=None if one.mean is None else 1 - one.mean) for one in series.estimates
        ),
        means=None if series.means is None else 1 - series.means,
    )


def _limits(made: Looks, alpha: float) -> tuple[float, float]:
    """Return the interval that covers 1 - 2 alpha over all looks."""
    if made.series.means is not None:
        # The bets' interval at alpha covers more than is asked for; a one-sided bet would be tighter.
        return float(made.ci_low or 0.0), float(1.0 if made.ci_high is None else made.ci_high)
    looks, mean = made.series.monitored(2 * alpha).looks, made.series.latest()
    return min(mean, max(look.ci_low for look in looks)), max(mean, min(look.ci_high for look in looks))
