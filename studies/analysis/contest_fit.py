"""The likelihood of contests between arms, maximised on counts, and what its estimates vary with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from studies.analysis.contests import FIRST, SECOND, TIED, Contests
from studies.analysis.covariance import Covariances, two_way_covariances
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError
from studies.analysis.tie_models import CELLS, DAVIDSON, HALF_CREDIT, RAO_KUPPER, Cells

STEPS = 60
FAR = 30.0
"""Log-odds beyond which an estimate is taken for infinite."""
TOLERANCE = 1e-10
WORST_CONDITION = 1e12
"""Of the information: beyond it the likelihood is flat in some direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Maximum-likelihood estimates from counts alone."""

    model: str
    strengths: Floats
    """Log-strengths, (K,), with mean 0."""
    position: float | None
    """Log-odds that the first arm gains by being first; None without that term."""
    log_tie: float | None
    """The tie parameter on the real line: log(nu) or log(log(theta))."""
    log_likelihood: float
    deviance: float
    residual_df: int
    bread: Floats
    """Inverse information, (p, p), of the strengths with mean 0, then position, then tie."""
    score: Floats
    """Derivatives of each cell's log-likelihood by the difference and by the tie, (K * K * 3, 2)."""
    expected: Floats
    """Expected credit of the first arm in each ordered pair, (K, K); 0 where there were no contests."""


def fit_counts(counts: Floats, *, model: str = DAVIDSON, position: bool = False) -> Fit:
    """Maximise the likelihood of a table of contests by Newton's method with Fisher's information.

    Parameters
    ----------
    counts : (K, K, 3) array
        How often each ordered pair of arms ended with the second preferred, a tie, the first preferred.
    model
        One of `TIE_MODELS`.
    position
        Whether the first arm has an advantage of its own, added to the difference of log-strengths.

    Notes
    -----
    The log-likelihood is concave, and its maximum is finite and unique when the win graph is strongly
    connected, there are ties, and position varies; the callers see to that. Without ties the tie parameter
    is left out. The log-likelihood leaves out multinomial coefficients; the deviance is against one free
    distribution per ordered pair.

    Raises
    ------
    RefusalError
        If the estimates run away or the terms cannot be told apart.

    References
    ----------
    Bradley & Terry (1952), Biometrika 39, 324-345. Davidson & Beaver (1977), Biometrics 33, 693-702, for the
    term of position.
    """
    arms = len(counts)
    first, second = _cells_of(counts)
    table = counts[first, second]  # (M, 3)
    design = _design(first, second, arms, position=position)
    has_tie = model in (DAVIDSON, RAO_KUPPER) and bool(table[:, TIED].any())
    equations = CELLS[model if has_tie else HALF_CREDIT]
    beta = _start(design.shape[1], table, has_tie=has_tie)
    for _ in range(STEPS):
        cells = equations(design @ beta[: design.shape[1]], float(beta[-1]) if has_tie else 0.0)
        gradient, information = _derivatives(table, cells, design, has_tie=has_tie)
        filled = _filled(information, arms)
        if np.linalg.cond(filled) > WORST_CONDITION:
            break
        step = np.linalg.solve(filled, gradient)
        beta = beta + step * min(1.0, 2.0 / max(1e-300, float(np.max(np.abs(step)))))
        if np.max(np.abs(beta)) > FAR:
            break
        if np.max(np.abs(step)) < TOLERANCE:
            return _finished(model, counts, beta, design, has_tie=has_tie, position=position)
    raise RefusalError("The scores do not converge: some outcome never occurs, so an estimate is unbounded.")


def _cells_of(counts: Floats) -> tuple[Codes, Codes]:
    """Return first and second arm of each ordered pair that was judged, (M,) each."""
    first, second = np.nonzero(counts.sum(axis=2))
    return np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)


def _design(first: Codes, second: Codes, arms: int, *, position: bool) -> Floats:
    rows = np.arange(len(first))
    design = np.zeros((len(first), arms + position))
    design[rows, first] += 1
    design[rows, second] -= 1
    if position:
        design[:, arms] = 1
        if np.linalg.matrix_rank(design) < arms:
            raise RefusalError(
                "Arms never change slots, so that preference and position cannot be told apart."
            )
    return design


def _start(terms: int, table: Floats, *, has_tie: bool) -> Floats:
    if not has_tie:
        return np.zeros(terms)
    if table[:, TIED].sum() == table.sum():
        raise RefusalError("Every judgment is a tie, so that nothing puts the arms on a scale.")
    return np.append(np.zeros(terms), -0.5)


def _derivatives(table: Floats, cells: Cells, design: Floats, *, has_tie: bool) -> tuple[Floats, Floats]:
    """Return the gradient (p,) and Fisher's information (p, p)."""
    total = table.sum(axis=1)
    of_d = (table * cells.score_d).sum(axis=1)  # (M,)
    dd = total * (cells.p * cells.score_d**2).sum(axis=1)
    gradient, information = design.T @ of_d, design.T @ (design * dd[:, None])
    if not has_tie:
        return gradient, information
    dt = design.T @ (total * (cells.p * cells.score_d * cells.score_t).sum(axis=1))
    tt = float(total @ (cells.p * cells.score_t**2).sum(axis=1))
    gradient = np.append(gradient, (table * cells.score_t).sum())
    return gradient, np.block([[information, dt[:, None]], [dt[None, :], np.array([[tt]])]])


def _filled(information: Floats, arms: int) -> Floats:
    """Return the information with the direction filled in which all strengths grow alike."""
    filled = information.copy()
    filled[:arms, :arms] += np.trace(information[:arms, :arms]) / arms**2
    return filled


def _finished(
    model: str, counts: Floats, beta: Floats, design: Floats, *, has_tie: bool, position: bool
) -> Fit:
    arms = len(counts)
    t = float(beta[-1]) if has_tie else 0.0
    first, second = _cells_of(counts)
    table = counts[first, second]
    cells = CELLS[model if has_tie else HALF_CREDIT](design @ beta[: design.shape[1]], t)
    _, information = _derivatives(table, cells, design, has_tie=has_tie)
    centring = np.eye(len(beta))
    centring[:arms, :arms] -= 1 / arms
    score = np.zeros((arms, arms, 3, 2))
    score[first, second] = np.stack([cells.score_d, cells.score_t], axis=2)
    expected = np.zeros((arms, arms))
    expected[first, second] = cells.p[:, FIRST] + cells.p[:, TIED] / 2
    log_likelihood = float((table * cells.log_p).sum())
    per_cell = 2 if has_tie else 1
    return Fit(
        model=model,
        strengths=beta[:arms] - beta[:arms].mean(),
        position=float(beta[arms]) if position else None,
        log_tie=t if has_tie else None,
        log_likelihood=log_likelihood,
        deviance=2 * (_saturated(table, with_ties=has_tie) - log_likelihood),
        residual_df=per_cell * len(table) - (len(beta) - 1),
        bread=centring @ np.linalg.inv(_filled(information, arms)) @ centring.T,
        score=score.reshape(-1, 2),
        expected=expected,
    )


def _saturated(table: Floats, *, with_ties: bool) -> float:
    """Return the log-likelihood of one free distribution per ordered pair."""
    if not with_ties:
        ties = table[:, TIED] / 2
        table = np.column_stack([table[:, SECOND] + ties, table[:, FIRST] + ties])
    return float(xlogy(table, table / table.sum(axis=1, keepdims=True)).sum())


def fit_covariances(fit: Fit, contests: Contests) -> Covariances:
    """Return the two-way clustered covariances of strengths (mean 0), position and tie parameter."""
    n, arms = len(contests), len(contests.arms)
    of_d, of_t = fit.score[contests.cell].T  # (n,) each
    columns, values = [contests.first, contests.second], [of_d, -of_d]
    if fit.position is not None:
        columns.append(np.full(n, arms))
        values.append(of_d)
    if fit.log_tie is not None:
        columns.append(np.full(n, len(fit.bread) - 1))
        values.append(of_t)
    width = len(columns)
    indices = np.stack(columns, axis=1).ravel().astype(np.int32)
    pointers = np.arange(n + 1, dtype=np.int32) * width
    scores = sparse.csr_array((np.stack(values, axis=1).ravel(), indices, pointers), (n, len(fit.bread)))
    return two_way_covariances(scores, fit.bread, contests.annotator, contests.prompt)
