"""What independent judgments would say. Printed in grey, beside the clustered result, never instead of it.

Only decided judgments enter: a tie counted half is not a success of a binomial trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Naive:
    """Interval and test of the decided win rate that assume independent judgments; None without any."""

    wilson_low: float | None
    wilson_high: float | None
    clopper_pearson_low: float | None
    clopper_pearson_high: float | None
    sign_test_p: float | None


def wilson(successes: int, trials: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Return Wilson's score interval of a binomial share.

    References
    ----------
    Wilson (1927), J. American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    z = float(stats.norm.isf(alpha / 2))
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    reach = z * sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    # At 0 and n a limit is 0 or 1 exactly; rounding must not move it.
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == trials else (centre + reach) / scale
    return low, high


def clopper_pearson(successes: int, trials: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Return the exact interval of a binomial share.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    >>> [round(limit, 4) for limit in clopper_pearson(0, 20)]
    [0.0, 0.1684]
    """
    failures = trials - successes
    low = 0.0 if successes == 0 else float(stats.beta.ppf(alpha / 2, successes, failures + 1))
    high = 1.0 if failures == 0 else float(stats.beta.isf(alpha / 2, successes + 1, failures))
    return low, high


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided exact p-value of the sign test; ties have no sign.

    >>> round(sign_test(10, 3), 6)
    0.092285
    """
    return float(min(1.0, 2 * stats.binom.cdf(min(wins, losses), wins + losses, 0.5)))


def trinomial_test(wins: int, ties: int, losses: int) -> float:
    """Return the two-sided p-value of the trinomial test, which keeps the ties.

    P(|W - L| >= d) when wins and losses are equally likely and each judgment is a tie with the observed
    share T / n: a sum over the number of decided judgments. 1 when there are no judgments or only ties.

    References
    ----------
    Bian, McAleer & Wong (2011), A trinomial test for paired data when there are many ties, Mathematics
    and Computers in Simulation 81, 1153-1160.

    Examples
    --------
    >>> round(trinomial_test(10, 7, 3), 6)
    0.070283
    """
    n, difference = wins + ties + losses, abs(wins - losses)
    if not difference:
        return 1.0
    decided = np.arange(n + 1)
    needed = (decided + difference + 1) // 2  # wins that make a difference this large
    tail = stats.binom.sf(needed - 1, decided, 0.5)
    return float(min(1.0, 2 * stats.binom.pmf(decided, n, 1 - ties / n) @ tail))


def naive(wins: int, losses: int, *, alpha: float) -> Naive:
    """Return everything that assumes independent judgments."""
    trials = wins + losses
    if not trials:
        return Naive(None, None, None, None, None)
    return Naive(
        *wilson(wins, trials, alpha=alpha),
        *clopper_pearson(wins, trials, alpha=alpha),
        sign_test_p=sign_test(wins, losses),
    )
