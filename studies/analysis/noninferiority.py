"""Whether the candidate is not worse, or not different, by more than a margin that was fixed before.

A difference that is not significant shows neither; only an interval inside the margin does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scipy import stats

from studies.analysis.interval import Estimate
from studies.analysis.refusal import RefusalError

HALF = 0.5
NO_INTERVAL = "There is no clustered interval, so nothing is said about the margin."
COUNTED_CLUSTERS = "All judgments agree; the limit counts each cluster as one observation."


class Decision(StrEnum):
    """What a test allows to say of the candidate."""

    SUPERIOR = "superior"
    INFERIOR = "inferior"
    NOT_SHOWN = "not shown"
    NON_INFERIOR = "non-inferior"
    NON_INFERIORITY_NOT_SHOWN = "non-inferiority not shown"
    EQUIVALENT = "equivalent"
    EQUIVALENCE_NOT_SHOWN = "equivalence not shown"
    NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """The one-sided test of a win rate against 1/2 - margin; None where there is no interval."""

    margin: float
    bound: float
    """1/2 - margin: the win rate that must be excluded."""
    alpha: float
    """Level of the one-sided test; the limit covers with 1 - alpha."""
    limit: float | None
    """Lower limit of the one-sided interval."""
    p_value: float | None
    decision: Decision
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests of a win rate against 1/2 - margin and 1/2 + margin."""

    margin: float
    alpha: float
    low: float | None
    """Lower limit of the interval that covers 1 - 2 alpha."""
    high: float | None
    p_lower: float | None
    """Of the test against 1/2 - margin."""
    p_upper: float | None
    """Of the test against 1/2 + margin."""
    p_value: float | None
    """The larger of both."""
    decision: Decision
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gatekeeping:
    """Superiority on the first criterion, and only then non-inferiority on the second."""

    first: Decision
    second: Decision
    p_first: float | None
    p_second: float | None
    """Adjusted for the sequence: the larger of both p-values; None when the second was not tested."""
    opened: bool
    """Whether the first criterion showed superiority, so that the second was tested at all."""


@dataclass(frozen=True, slots=True)
class _Clustered:
    """What a one-sided limit needs of an estimate, in one of the two frames."""

    mean: float
    se: float
    df: int
    clusters: int

    def mirrored(self) -> _Clustered:
        """Return the same with the arms exchanged."""
        return _Clustered(1 - self.mean, self.se, self.df, self.clusters)


def check_margin(margin: float) -> float:
    """Return the margin when it lies in (0, 1/2).

    Raises
    ------
    RefusalError
        Otherwise: a margin of 1/2 or more would call any result non-inferior.
    """
    if not 0 < margin < HALF:
        raise RefusalError(f"The margin is {margin:g}; it must be above 0 and below 0.5.")
    return margin


def _clustered(estimate: Estimate) -> _Clustered | None:
    if estimate.mean is None or estimate.se is None or estimate.df is None:
        return None
    return _Clustered(estimate.mean, estimate.se, estimate.df, min(estimate.annotators, estimate.prompts))


def lower_limit(part: _Clustered, alpha: float) -> float:
    """Return the one-sided lower limit m - t(1 - alpha, df) se, kept at 0 or above.

    Without any variance the share of clusters that could differ unseen is 1 - alpha^(1/G).
    """
    if part.se == 0:
        return part.mean * float(alpha ** (1 / part.clusters))
    return max(0.0, part.mean - float(stats.t.isf(alpha, part.df)) * part.se)


def _p_above(part: _Clustered, bound: float) -> float:
    """Return the one-sided p-value of "the mean is at most ``bound``": 1 - F_t((m - bound) / se).

    Without any variance it is (bound / m)^G: the probability that none of G clusters differs although
    the share that does is just large enough to bring the mean down to the bound.
    """
    if part.se == 0:
        return 1.0 if part.mean <= bound else float((bound / part.mean) ** part.clusters)
    return float(stats.t.sf((part.mean - bound) / part.se, part.df))


def non_inferiority(estimate: Estimate, *, margin: float, alpha: float = 0.05) -> NonInferiority:
    """Test whether the win rate is above 1/2 - margin, with the clustered interval.

    Parameters
    ----------
    estimate
        Of `interval.estimate_share`.
    margin : float
        In units of the win rate, in (0, 1/2), fixed before the data were seen.
    alpha : float
        Of the one-sided test.

    Raises
    ------
    RefusalError
        The margin is outside (0, 1/2).

    Notes
    -----
    Assumes what the interval assumes: annotators, and prompts, are independent draws. With one annotator
    or one prompt the decision is `Decision.NOT_TESTED`.

    References
    ----------
    Piaggio et al. (2012), Reporting of noninferiority and equivalence randomized trials, JAMA 308,
    2594-2604.
    """
    bound = HALF - check_margin(margin)
    part = _clustered(estimate)
    if part is None:
        return NonInferiority(margin, bound, alpha, None, None, Decision.NOT_TESTED, (NO_INTERVAL,))
    p_value = _p_above(part, bound)
    shown = p_value < alpha
    return NonInferiority(
        margin=margin,
        bound=bound,
        alpha=alpha,
        limit=lower_limit(part, alpha),
        p_value=p_value,
        decision=Decision.NON_INFERIOR if shown else Decision.NON_INFERIORITY_NOT_SHOWN,
        caveats=(COUNTED_CLUSTERS,) if part.se == 0 else (),
    )


def equivalence(estimate: Estimate, *, margin: float, alpha: float = 0.05) -> Equivalence:
    """Test whether the win rate lies within 1/2 +- margin, by two one-sided tests (TOST).

    Parameters and errors are those of `non_inferiority`.

    References
    ----------
    Schuirmann (1987), J. Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    check_margin(margin)
    part = _clustered(estimate)
    if part is None:
        return Equivalence(margin, alpha, None, None, None, None, None, Decision.NOT_TESTED, (NO_INTERVAL,))
    other = part.mirrored()
    p_lower, p_upper = _p_above(part, HALF - margin), _p_above(other, HALF - margin)
    shown = max(p_lower, p_upper) < alpha
    return Equivalence(
        margin=margin,
        alpha=alpha,
        low=lower_limit(part, alpha),
        high=1 - lower_limit(other, alpha),
        p_lower=p_lower,
        p_upper=p_upper,
        p_value=max(p_lower, p_upper),
        decision=Decision.EQUIVALENT if shown else Decision.EQUIVALENCE_NOT_SHOWN,
        caveats=(COUNTED_CLUSTERS,) if part.se == 0 else (),
    )


def superiority(estimate: Estimate, *, alpha: float = 0.05) -> Decision:
    """Return what the two-sided clustered test against 1/2 allows to say."""
    if estimate.mean is None or estimate.p_value is None:
        return Decision.NOT_TESTED
    if estimate.p_value >= alpha or estimate.mean == HALF:
        return Decision.NOT_SHOWN
    return Decision.SUPERIOR if estimate.mean > HALF else Decision.INFERIOR


def gatekeeping(first: Estimate, second: Estimate, *, margin: float, alpha: float = 0.05) -> Gatekeeping:
    """Test superiority on the first criterion; only if it is shown, non-inferiority on the second.

    Both tests use the whole ``alpha``: the fixed sequence keeps the probability of any false claim at
    ``alpha``, because the second is made only after the first was rejected.

    References
    ----------
    Maurer, Hothorn & Lehmacher (1995), in Biometrie in der chemisch-pharmazeutischen Industrie 6, 3-18.
    """
    check_margin(margin)
    decision = superiority(first, alpha=alpha)
    if decision is not Decision.SUPERIOR:
        return Gatekeeping(decision, Decision.NOT_TESTED, first.p_value, None, opened=False)
    result = non_inferiority(second, margin=margin, alpha=alpha)
    p_second = None
    if result.p_value is not None and first.p_value is not None:
        p_second = max(first.p_value, result.p_value)
    return Gatekeeping(decision, result.decision, first.p_value, p_second, opened=True)


def exact_above(successes: int, trials: int, *, bound: float) -> float:
    """Return the exact one-sided p-value of "the share is at most ``bound``": P(X >= x), X ~ Bin(n, bound).

    For independent judgments only: the naive side of a non-inferiority test.

    Raises
    ------
    RefusalError
        There are no trials.

    Examples
    --------
    >>> round(exact_above(52, 100, bound=0.45), 6)
    0.095952
    """
    _check_trials(successes, trials)
    return float(stats.binom.sf(successes - 1, trials, bound))


def exact_below(successes: int, trials: int, *, bound: float) -> float:
    """Return the exact one-sided p-value of "the share is at least ``bound``": P(X <= x).

    >>> round(exact_below(52, 100, bound=0.55), 6)
    0.306878
    """
    _check_trials(successes, trials)
    return float(stats.binom.cdf(successes, trials, bound))


def exact_equivalence(successes: int, trials: int, *, margin: float) -> float:
    """Return the larger of the two exact one-sided p-values against 1/2 - margin and 1/2 + margin.

    >>> round(exact_equivalence(52, 100, margin=0.1), 6)
    0.063789
    """
    check_margin(margin)
    above = exact_above(successes, trials, bound=HALF - margin)
    return max(above, exact_below(successes, trials, bound=HALF + margin))


def _check_trials(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or not trials:
        raise RefusalError(f"{successes} of {trials} decided judgments: there is nothing to test.")
