"""Power of the sign test for independent judgments: exact, and therefore saw-toothed."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, sqrt

import numpy as np
from scipy import stats

from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

WINDOW = 40
"""How long power has to stay above what is wished before a number of judgments counts as stable."""
MOST = 100_000
"""Judgments beyond which nothing is searched."""


@dataclass(frozen=True, slots=True)
class ExactSize:
    """Decided independent judgments that reach a power."""

    first: int
    """The first number that reaches it; a few more may fall short again."""
    stable: int
    """The first from which on it stays reached."""
    power: float
    """At ``stable``."""


def exact_power(trials: Codes, share: float, *, alpha: float = 0.05) -> Floats:
    """Return the power of the two-sided exact sign test at each number of decided judgments.

    The test rejects when min(W, L) <= c, c being the largest number with 2 P(X <= c) <= alpha.

    Parameters
    ----------
    trials : (N,) array
    share : float
        True decided win rate, in (0, 1).

    Returns
    -------
    (N,) array

    References
    ----------
    Chernick & Liu (2002), The American Statistician 56, 149-155, on the saw teeth.

    Examples
    --------
    >>> exact_power(np.array([5, 6]), 1.0).tolist()
    [0.0, 1.0]
    """
    critical = stats.binom.ppf(alpha / 2, trials, 0.5)
    # The quantile is the first number whose probability reaches alpha / 2; the test stops one before it,
    # unless it meets alpha / 2 exactly.
    critical = np.where(stats.binom.cdf(critical, trials, 0.5) <= alpha / 2, critical, critical - 1)
    low = stats.binom.cdf(critical, trials, share)
    high = stats.binom.sf(trials - critical - 1, trials, share)
    return np.asarray(np.where(critical < 0, 0.0, low + high), dtype=np.float64)


def exact_size(share: float, power: float, *, alpha: float = 0.05) -> ExactSize:
    """Return how many decided independent judgments the exact sign test needs.

    Raises
    ------
    RefusalError
        The share is 1/2 or not in [0, 1], the power is not in (alpha, 1), or it takes more than 100,000.

    Examples
    --------
    >>> size = exact_size(0.65, 0.8)
    >>> size.first, size.stable
    (90, 97)
    """
    if not 0 <= share <= 1 or share == 0.5 or not alpha < power < 1:  # noqa: PLR2004 - the null
        raise RefusalError("A share other than 1/2 and a power between alpha and 1 are needed.")
    last = min(MOST, 4 * int(normal_size(share, power, alpha=alpha)) + 2 * WINDOW)
    reached = exact_power(np.arange(last + 1), share, alpha=alpha) >= power
    stays = np.convolve(reached, np.ones(WINDOW), "valid") == WINDOW
    if not stays.any():
        raise RefusalError(f"More than {MOST:,} judgments would be needed.")
    first, stable = int(reached.argmax()), int(stays.argmax())
    return ExactSize(first, stable, float(exact_power(np.array([stable]), share, alpha=alpha)[0]))


def normal_size(share: float, power: float, *, alpha: float = 0.05) -> float:
    """Return the textbook approximation ((z_{alpha/2} + z_power) / h)^2, h = 2 asin sqrt p - pi / 2.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, ch. 6.

    Examples
    --------
    >>> round(normal_size(0.65, 0.8), 2)
    84.54
    """
    effect = 2 * asin(sqrt(share)) - 2 * asin(sqrt(0.5))
    return float(((stats.norm.isf(alpha / 2) + stats.norm.ppf(power)) / effect) ** 2)
