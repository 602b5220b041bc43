"""The win rate by a logistic model with crossed random intercepts of annotators and prompts."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, logit

from studies.analysis.laplace import Crossed, Mode, deviance, deviance_gradient, find_mode
from studies.analysis.records import WIN, Codes, Floats, Records
from studies.analysis.refusal import RefusalError

FEWEST_LEVELS = 15
MOST_WORK = 10**9
"""Multiplications in each step, of the larger number of levels and the square of the smaller."""
SINGULAR = 1e-4
"""A standard deviation below it is taken for zero, as lme4 does."""
WIDEST, FARTHEST = 8.0, 12.0
"""A standard deviation and log-odds beyond which an estimate is taken for infinite."""
STEP = 1e-4
POLISH = 4
CLOSE = 1e-6
LATENT = pi**2 / 3
"""Variance of the standard logistic distribution."""
TIES_DROPPED = "Ties are left out: the model is of decided judgments."
NOT_CONVERGED = "The mixed model does not converge on these judgments."


@dataclass(frozen=True, slots=True, eq=False)
class LaplaceFit:
    """Estimates at the maximum of the approximate likelihood."""

    beta: Floats
    se: Floats
    """From the second derivatives in all parameters, (k,)."""
    sigma: Floats
    """Standard deviations of both factors, (2,)."""
    log_likelihood: float
    singular: tuple[bool, bool]
    """Which standard deviations are at the boundary, zero."""
    evaluations: int


@dataclass(frozen=True, slots=True)
class Glmm:
    """The mixed model of decided judgments."""

    n: int
    ties_dropped: int
    annotators: int
    prompts: int
    intercept: float
    """Log-odds of an average annotator on an average prompt."""
    se: float
    statistic: float
    p_value: float
    """Of the intercept against 0, by the normal distribution."""
    ci_low: float
    ci_high: float
    var_annotator: float
    var_prompt: float
    icc_annotator: float
    """Share of the latent variance, pi^2 / 3 of which is the judgment's own."""
    icc_prompt: float
    log_likelihood: float
    marginal_win_rate: float
    """Win rate over the populations of annotators and prompts: random effects integrated out."""
    marginal_ci_low: float
    marginal_ci_high: float
    """The intercept's limits carried through, with the variances as estimated."""
    singular: bool
    method: str
    caveats: tuple[str, ...]


def fit_laplace(data: Crossed, *, free: tuple[bool, bool] = (True, True)) -> LaplaceFit:
    """Maximise Laplace's approximation over standard deviations and fixed effects together.

    Parameters
    ----------
    data
        Counts; both outcomes occur.
    free
        Which of the two factors has a variance at all; the other's is 0.

    Notes
    -----
    Standard errors come from differences of the exact gradient, in all parameters jointly, as lme4's do.

    Raises
    ------
    RefusalError
        If there is no finite, well-curved maximum.

    References
    ----------
    Breslow & Clayton (1993), J. American Statistical Association 88, 9-25. Bates, Maechler, Bolker &
    Walker (2015), J. Statistical Software 67(1).
    """
    search = _Search(data, np.flatnonzero([*free, *np.ones(data.design.shape[1])]))
    # The scale of the first step comes from the curvature at the start; with that few steps are enough.
    scale = np.diag(1 / np.maximum(np.abs(np.diag(search.hessian(search.start()))), 1.0))
    options = {"gtol": 1e-3, "hess_inv0": scale}
    found = optimize.minimize(search, search.start(), jac=True, method="BFGS", options=options)
    at, hessian = found.x, search.hessian(found.x)
    for _ in range(POLISH):
        if not _positive(hessian):
            raise RefusalError(NOT_CONVERGED)
        step = np.linalg.solve(hessian, search(at)[1])
        at = at - step
        hessian = search.hessian(at)
        if np.max(np.abs(step)) < CLOSE:
            return search.result(at, hessian, free)
    raise RefusalError(NOT_CONVERGED)


def _positive(hessian: Floats) -> bool:
    return bool(np.all(np.isfinite(hessian)) and np.linalg.eigvalsh(hessian)[0] > 0)


class _Search:
    """The deviance as a function of the free parameters; each mode is sought from the last one."""

    def __init__(self, data: Crossed, free: Codes) -> None:
        self.data, self.free = data, free
        self.mode: Mode | None = None
        self.evaluations = 0

    def start(self) -> Floats:
        whole = np.zeros(2 + self.data.design.shape[1])
        whole[:2] = 0.5
        mean = self.data.successes.sum() / self.data.trials.sum()
        whole[2:] = np.linalg.lstsq(self.data.design, np.full(len(self.data.trials), logit(mean)))[0]
        return whole[self.free]

    def __call__(self, at: Floats) -> tuple[float, Floats]:
        whole = self.whole(at)
        if not np.all(np.isfinite(whole)) or np.max(np.abs(whole)) > 2 * max(WIDEST, FARTHEST):
            raise RefusalError("Annotators or prompts are so unanimous that the variance is unbounded.")
        self.mode = find_mode(self.data, whole, self.mode)
        self.evaluations += 1
        return deviance(self.mode), deviance_gradient(self.data, whole, self.mode)[self.free]

    def whole(self, at: Floats) -> Floats:
        whole = np.zeros(2 + self.data.design.shape[1])
        whole[self.free] = at
        return whole

    def hessian(self, at: Floats) -> Floats:
        rows = [(self(at + unit)[1] - self(at - unit)[1]) / (2 * STEP) for unit in STEP * np.eye(len(at))]
        return np.asarray((np.array(rows) + np.array(rows).T) / 2)

    def result(self, at: Floats, hessian: Floats, free: tuple[bool, bool]) -> LaplaceFit:
        whole = self.whole(at)
        sigma = np.abs(whole[:2])
        if sigma.max() > WIDEST or np.abs(whole[2:]).max() > FARTHEST:
            raise RefusalError("Annotators or prompts are so unanimous that the variance is unbounded.")
        # The deviance is twice the negative log-likelihood, so its curvature is twice the information.
        variances = np.diag(2 * np.linalg.inv(hessian))[sum(free) :]
        log_likelihood = self.data.constant - self(at)[0] / 2
        singular = tuple(bool(is_free and s < SINGULAR) for is_free, s in zip(free, sigma, strict=True))
        return LaplaceFit(
            beta=whole[2:],
            se=np.sqrt(variances),
            sigma=np.where(sigma < SINGULAR, 0.0, sigma),
            log_likelihood=log_likelihood,
            singular=(singular[0], singular[1]),
            evaluations=self.evaluations,
        )


def crossed_counts(success: Floats, annotator: Codes, prompt: Codes) -> Crossed:
    """Return decided judgments as counts per annotator and prompt; the factor with more levels is first.

    >>> data = crossed_counts(np.array([1., 1., 0.]), np.array([3, 3, 9]), np.array([0, 0, 0]))
    >>> data.successes.tolist(), data.trials.tolist(), data.levels
    ([2.0, 0.0], [2.0, 1.0], (2, 1))
    """
    _, first = np.unique(annotator, return_inverse=True)
    _, second = np.unique(prompt, return_inverse=True)
    if first.max() < second.max():
        first, second = second, first
    width = int(second.max()) + 1
    cell, rows = np.unique(first * width + second, return_inverse=True)
    return Crossed(
        successes=np.bincount(rows, weights=success).astype(np.float64),
        trials=np.bincount(rows).astype(np.float64),
        design=np.ones((len(cell), 1)),
        first=cell // width,
        second=cell % width,
    )


def marginal_win_rate(intercept: float, variance: float) -> float:
    """Return the mean of 1 / (1 + exp(-x)) over x ~ N(intercept, variance).

    By the trapezoid rule over 10 standard deviations either way, which is exact to rounding for so smooth
    a function.

    Examples
    --------
    >>> marginal_win_rate(0.0, 2.0), round(marginal_win_rate(1.0, 0.0), 6)
    (0.5, 0.731059)
    """
    z = np.linspace(-10, 10, 2001)
    weights = np.exp(-(z**2) / 2)
    return float(weights @ expit(intercept + sqrt(variance) * z) / weights.sum())


def glmm(records: Records, *, alpha: float = 0.05) -> Glmm:
    """Fit the mixed model to one criterion and one pair of arms.

    Parameters
    ----------
    records
        Judgments; ties of either kind are dropped, and said.

    Notes
    -----
    logit P(candidate preferred) = intercept + annotator + prompt, both normal and independent. The intercept
    is about an average annotator and prompt; ``marginal_win_rate`` is the one to set beside a win rate. Its
    test is by the normal distribution and anti-conservative with few levels, so that it is refused below 15.

    Raises
    ------
    RefusalError
        Fewer than 15 annotators or prompts, unanimity, an unbounded variance, no convergence.

    References
    ----------
    Breslow & Clayton (1993); Bates et al. (2015). Nakagawa & Schielzeth (2010), Biological Reviews 85,
    935-956, for the shares of latent variance.
    """
    decided = records.where(records.decided)
    success = (decided.outcome == WIN).astype(np.float64)
    levels = len(np.unique(decided.annotator)), len(np.unique(decided.prompt))
    _require(success, levels)
    data = crossed_counts(success, decided.annotator, decided.prompt)
    fit = fit_laplace(data)
    # `crossed_counts` puts the larger factor first.
    annotator_first = levels[0] >= levels[1]
    var_annotator, var_prompt = (float(s**2) for s in (fit.sigma if annotator_first else fit.sigma[::-1]))
    intercept, se = float(fit.beta[0]), float(fit.se[0])
    reach = float(stats.norm.isf(alpha / 2)) * se
    variance = var_annotator + var_prompt
    singular = dict(
        zip(("annotators", "prompts"), fit.singular if annotator_first else fit.singular[::-1], strict=True)
    )
    return Glmm(
        n=len(decided),
        ties_dropped=len(records) - len(decided),
        annotators=levels[0],
        prompts=levels[1],
        intercept=intercept,
        se=se,
        statistic=intercept / se,
        p_value=float(2 * stats.norm.sf(abs(intercept / se))),
        ci_low=intercept - reach,
        ci_high=intercept + reach,
        var_annotator=var_annotator,
        var_prompt=var_prompt,
        icc_annotator=var_annotator / (variance + LATENT),
        icc_prompt=var_prompt / (variance + LATENT),
        # Counts of a cell stand for single judgments, whose order is no part of the likelihood.
        log_likelihood=fit.log_likelihood - data.constant,
        marginal_win_rate=marginal_win_rate(intercept, variance),
        marginal_ci_low=marginal_win_rate(intercept - reach, variance),
        marginal_ci_high=marginal_win_rate(intercept + reach, variance),
        singular=any(fit.singular),
        method="logit with crossed random intercepts of annotators and prompts; Laplace approximation",
        caveats=tuple(_caveats(len(records) - len(decided), singular)),
    )


def _require(success: Floats, levels: tuple[int, int]) -> None:
    if not len(success):
        raise RefusalError("There are no decided judgments for a mixed model.")
    if min(levels) < FEWEST_LEVELS:
        raise RefusalError(
            f"A mixed model needs {FEWEST_LEVELS} annotators and {FEWEST_LEVELS} prompts or more; decided "
            f"judgments are by {levels[0]} and on {levels[1]}."
        )
    if success.min() == success.max():
        raise RefusalError("All decided judgments prefer the same arm, so that the log-odds are unbounded.")
    if max(levels) * min(levels) ** 2 > MOST_WORK:
        raise RefusalError("There are too many annotators and prompts for a mixed model.")


def _caveats(ties: int, singular: dict[str, bool]) -> list[str]:
    found = [TIES_DROPPED] if ties else []
    for kind, is_singular in singular.items():
        if is_singular:
            found.append(f"The variance of {kind} is estimated as zero, at the boundary (a singular fit).")
    return found
