"""How large a study has to be, when judgments of one annotator, and on one prompt, are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt

import numpy as np
from scipy import optimize, stats

from studies.analysis.interval import estimate_share
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

MOST = 1_000_000
"""The largest number of anything that is proposed."""
NOT_REACHABLE = "not reachable"
FEW_CLUSTERS = 6


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the plan supposes of the study's outcome."""

    win_rate: float
    """Expected half-credit win rate."""
    tie_rate: float = 0.0
    rho_annotators: float = 0.0
    """Correlation of two judgments' credits by one annotator: `heterogeneity.variance_components`."""
    rho_prompts: float = 0.0
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Design:
    """The size of a study with one pair of arms and one criterion."""

    annotators: int
    prompts: int
    per_prompt: int
    """Judgments per prompt, k."""

    @property
    def judgments(self) -> int:
        """All judgments, n."""
        return self.prompts * self.per_prompt


@dataclass(frozen=True, slots=True)
class Power:
    """What a design can show under its assumptions."""

    design: Design
    design_effect: float
    effective_n: float
    se: float
    margin: float
    """Expected half width of the interval."""
    df: int
    power: float
    """Probability that the two-sided clustered test rejects 1/2."""
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """The smallest design that reaches a wish, when one of its numbers is varied."""

    varied: str
    """``annotators``, ``prompts`` or ``per_prompt``."""
    value: int | None
    """None when it is not reachable by this number alone."""
    reached: Power | None
    verdict: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How often simulated studies of a design rejected 1/2, and covered the truth."""

    replications: int
    rejected: float
    covered: float
    mean_se: float


def design_effect(
    per_annotator: float, per_prompt: float, *, rho_annotators: float, rho_prompts: float
) -> float:
    """Return 1 + (m_A - 1) rho_A + (m_P - 1) rho_P, m being judgments per cluster.

    References
    ----------
    Kish (1965), Survey Sampling, section 5.4, for one kind of cluster; both add up when crossed.

    Examples
    --------
    >>> round(design_effect(10, 5, rho_annotators=0.1, rho_prompts=0.05), 4)
    2.1
    """
    return 1 + max(per_annotator - 1, 0) * rho_annotators + max(per_prompt - 1, 0) * rho_prompts


def credit_variance(win_rate: float, tie_rate: float) -> float:
    """Return the variance of one judgment's credit: p - t/4 - p^2, as W = p - t/2.

    Raises
    ------
    RefusalError
        There is no such pair: wins or losses would be negative.

    Examples
    --------
    >>> credit_variance(0.5, 0.0), credit_variance(0.5, 1.0)
    (0.25, 0.0)
    """
    if not 0 <= tie_rate <= 1 or not tie_rate / 2 <= win_rate <= 1 - tie_rate / 2:
        raise RefusalError(
            f"A win rate of {win_rate:g} with {tie_rate:g} ties needs a negative number of wins or losses."
        )
    return win_rate - tie_rate / 4 - win_rate**2


def planned_power(assumptions: Assumptions, design: Design) -> Power:
    """Return the standard error, the interval's half width and the power of a design.

    V = v deff / n with v of `credit_variance`; the test is the report's t with min(G_A, G_P) - 1 degrees of
    freedom, its power by the noncentral t.

    Raises
    ------
    RefusalError
        Fewer than two annotators or prompts, no judgment per annotator, or correlations that cannot be.
    """
    _check(assumptions, design)
    n = design.judgments
    effect = design_effect(
        n / design.annotators,
        design.per_prompt,
        rho_annotators=assumptions.rho_annotators,
        rho_prompts=assumptions.rho_prompts,
    )
    se = sqrt(credit_variance(assumptions.win_rate, assumptions.tie_rate) * effect / n)
    df = min(design.annotators, design.prompts) - 1
    caveats = []
    if df + 1 < FEW_CLUSTERS:
        caveats.append(f"Below {FEW_CLUSTERS} clusters the interval's coverage has not been measured.")
    return Power(
        design=design,
        design_effect=effect,
        effective_n=n / effect,
        se=se,
        margin=float(stats.t.isf(assumptions.alpha / 2, df)) * se,
        df=df,
        power=t_power(assumptions.win_rate - 0.5, se, df, alpha=assumptions.alpha),
        caveats=tuple(caveats),
    )


def t_power(effect: float, se: float, df: int, *, alpha: float) -> float:
    """Return P(|T| > t_{alpha/2}) for T noncentral t with noncentrality effect / se.

    References
    ----------
    Johnson, Kotz & Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 31.
    """
    if se == 0:
        return float(effect != 0)
    critical = float(stats.t.isf(alpha / 2, df))
    shift = abs(effect) / se
    if shift > 30:  # noqa: PLR2004 - beyond it the power is 1 and the series of the distribution is slow
        return 1.0
    power = float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))
    return min(1.0, power)


def require(
    assumptions: Assumptions,
    design: Design,
    *,
    vary: str,
    power: float | None = None,
    margin: float | None = None,
) -> Requirement:
    """Return the smallest value of one number of the design that reaches a power or a margin.

    Parameters
    ----------
    design
        Gives the other two numbers.
    vary
        ``annotators``, ``prompts`` or ``per_prompt``.
    power, margin : float
        One of both: the power to reach, or the half width that the interval may have at most.

    Returns
    -------
    Requirement
        Whose verdict says "not reachable" when more of the same cannot help: with G_A annotators and G_P
        prompts V stays above v (rho_A / G_A + rho_P / G_P), however many judgments there are.

    Raises
    ------
    RefusalError
        Not one of ``power`` and ``margin``, an unknown ``vary``, or what `planned_power` refuses.
    """
    if (power is None) == (margin is None):
        raise RefusalError("Wish for a power or for a margin, one of both.")
    if vary not in {"annotators", "prompts", "per_prompt"}:
        raise RefusalError(f"{vary!r} is no number of the design; vary annotators, prompts or per_prompt.")

    def enough(value: int) -> bool:
        found = planned_power(assumptions, _varied(design, vary, value))
        return found.power >= power if power is not None else found.margin <= (margin or 0)

    least, most = _range(design, vary)
    value = _smallest(enough, least, most)
    if value is None:
        return Requirement(vary, None, None, _verdict(assumptions, design, vary))
    reached = planned_power(assumptions, _varied(design, vary, value))
    return Requirement(vary, value, reached, f"{value:,} {_word(vary)} reach it.")


def _smallest(enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """Return the smallest number that is enough, by doubling and bisecting."""
    high = least
    while not enough(high):
        if high == most:
            return None
        least, high = high + 1, min(2 * high, most)
    while least < high:
        middle = (least + high) // 2
        if enough(middle):
            high = middle
        else:
            least = middle + 1
    return high


def _range(design: Design, vary: str) -> tuple[int, int]:
    """Return the least and largest value worth trying; nobody judges a prompt twice."""
    if vary == "annotators":
        return max(2, design.per_prompt), max(design.judgments, 2)
    if vary == "prompts":
        return max(2, -(-design.annotators // design.per_prompt)), MOST
    return max(1, -(-design.annotators // design.prompts)), design.annotators


def _varied(design: Design, vary: str, value: int) -> Design:
    if vary == "annotators":
        return replace(design, annotators=value)
    return replace(design, prompts=value) if vary == "prompts" else replace(design, per_prompt=value)


def _word(vary: str) -> str:
    return {"annotators": "annotators", "prompts": "prompts", "per_prompt": "judgments per prompt"}[vary]


def _verdict(assumptions: Assumptions, design: Design, vary: str) -> str:
    floor = least_se(assumptions, design)
    others = {"annotators": "prompts", "prompts": "annotators", "per_prompt": "annotators and prompts"}[vary]
    detail = f"the standard error stays above {floor:.4f}" if floor else "the effect is too small"
    return f"{NOT_REACHABLE}: with more {_word(vary)} alone {detail}; more {others} are needed."


def least_se(assumptions: Assumptions, design: Design) -> float:
    """Return the standard error that no number of judgments by these annotators on these prompts goes below.

    sqrt(v (rho_A / G_A + rho_P / G_P)).
    """
    shared = assumptions.rho_annotators / design.annotators + assumptions.rho_prompts / design.prompts
    return sqrt(credit_variance(assumptions.win_rate, assumptions.tie_rate) * shared)


def achieved_power(se: float, df: int, *, win_rate: float, alpha: float = 0.05) -> float:
    """Return the power that a finished study had to show a win rate that was fixed before.

    Never use the observed win rate: the "observed power" is the p-value again.

    Parameters
    ----------
    se, df
        Of the finished study's estimate.
    win_rate : float
        The smallest that would have mattered.

    References
    ----------
    Hoenig & Heisey (2001), The American Statistician 55, 19-24.
    """
    if se < 0 or df < 1:
        raise RefusalError("There is no standard error to compute power from.")
    return t_power(win_rate - 0.5, se, df, alpha=alpha)


def smallest_detectable(se: float, df: int, *, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the win rate above 1/2 that a study with this standard error detects with a given power.

    The root of `achieved_power`; None where not even a win rate of 1 would be detected with it.
    """
    reached = partial(achieved_power, se, df, alpha=alpha)
    if reached(win_rate=1.0) < power:
        return None
    return float(optimize.brentq(lambda rate: reached(win_rate=rate) - power, 0.5, 1.0, xtol=1e-10))


def simulate(
    assumptions: Assumptions, design: Design, *, rng: np.random.Generator, replications: int = 200
) -> Simulated:
    """Run the report's own test on simulated studies of a design: the check of `planned_power`.

    Each annotator and each prompt moves the win rate up or down by sqrt(rho v), so that the correlations
    of credits are exactly those assumed.

    Raises
    ------
    RefusalError
        The effects would leave [0, 1], or what `planned_power` refuses.
    """
    _check(assumptions, design)
    variance = credit_variance(assumptions.win_rate, assumptions.tie_rate)
    steps = sqrt(assumptions.rho_annotators * variance), sqrt(assumptions.rho_prompts * variance)
    room = min(assumptions.win_rate, 1 - assumptions.win_rate) - assumptions.tie_rate / 2
    if sum(steps) > room + 1e-12:
        raise RefusalError("Correlations this strong leave no room for the win rate; simulate weaker ones.")
    annotator, prompt = _deal(design)
    found = np.empty((replications, 3))
    for index in range(replications):
        values = _credits(assumptions, steps, (annotator, prompt), rng)
        estimate = estimate_share(values, annotator, prompt, alpha=assumptions.alpha)
        low, high, p = estimate.ci_low, estimate.ci_high, estimate.p_value
        covered = low is not None and high is not None and low <= assumptions.win_rate <= high
        found[index] = p is not None and p < assumptions.alpha, covered, estimate.se or 0.0
    rejected, covers, se = found.mean(axis=0).tolist()
    return Simulated(replications, rejected, covers, se)


def _deal(design: Design) -> tuple[Codes, Codes]:
    """Deal judgments to annotators in turn: as even as can be, each prompt by different annotators."""
    index = np.arange(design.judgments)
    return index % design.annotators, index // design.per_prompt


def _credits(
    assumptions: Assumptions,
    steps: tuple[float, float],
    clusters: tuple[Codes, Codes],
    rng: np.random.Generator,
) -> Floats:
    """Return one study's credits (n,)."""
    rate = np.full(len(clusters[0]), assumptions.win_rate)
    for step, codes in zip(steps, clusters, strict=True):
        rate += step * rng.choice([-1.0, 1.0], size=int(codes.max()) + 1)[codes]
    wins = rate - assumptions.tie_rate / 2
    draw = rng.random(len(rate))
    return np.where(draw < wins, 1.0, np.where(draw < wins + assumptions.tie_rate, 0.5, 0.0))


def _check(assumptions: Assumptions, design: Design) -> None:
    rho = assumptions.rho_annotators, assumptions.rho_prompts
    if min(rho) < 0 or sum(rho) > 1:
        raise RefusalError("Correlations are at least 0 and together at most 1.")
    if min(design.annotators, design.prompts) < 2 or design.per_prompt < 1:  # noqa: PLR2004 - as in the interval
        raise RefusalError("A study needs two annotators, two prompts and one judgment per prompt at least.")
    if design.per_prompt > design.annotators:
        raise RefusalError("Nobody judges a prompt twice: judgments per prompt are at most the annotators.")
    if design.judgments < design.annotators:
        raise RefusalError("There are fewer judgments than annotators.")
    credit_variance(assumptions.win_rate, assumptions.tie_rate)
