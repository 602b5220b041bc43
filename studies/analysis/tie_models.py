"""How likely each outcome of a contest is, given the difference of the arms' log-strengths.

Each model takes differences d, (M,), and one tie parameter t on the real line, and returns `Cells`; columns
of its arrays are the outcomes `SECOND`, `TIED`, `FIRST`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from studies.analysis.records import Floats

DAVIDSON, RAO_KUPPER, HALF_CREDIT, DROPPED = "davidson", "rao_kupper", "half_credit", "dropped"
TIE_MODELS = (DAVIDSON, RAO_KUPPER, HALF_CREDIT, DROPPED)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Log-likelihood contributions and their derivatives, (M, 3) each."""

    log_p: Floats
    p: Floats
    score_d: Floats
    """Derivative of ``log_p`` with respect to d."""
    score_t: Floats
    """Derivative of ``log_p`` with respect to t."""


def davidson(d: Floats, t: float) -> Cells:
    """Return P(first) : P(tie) : P(second) = exp(d/2) : nu : exp(-d/2), with nu = exp(t).

    References
    ----------
    Davidson (1970), J. American Statistical Association 65, 317-328.

    Examples
    --------
    >>> davidson(np.array([0.]), 0.).p.round(4).tolist()
    [[0.3333, 0.3333, 0.3333]]
    """
    eta = np.column_stack([-d / 2, np.full(len(d), t), d / 2])
    log_p = eta - logsumexp(eta, axis=1, keepdims=True)
    p = np.exp(log_p)
    tilt = np.array([-0.5, 0.0, 0.5])
    score_d = tilt - (p @ tilt)[:, None]
    score_t = np.array([0.0, 1.0, 0.0]) - p[:, 1:2]
    return Cells(log_p, p, score_d, score_t)


def rao_kupper(d: Floats, t: float) -> Cells:
    """Return P(first) = 1 / (1 + theta exp(-d)) and its mirror; a tie is the rest; theta = exp(exp(t)).

    References
    ----------
    Rao & Kupper (1967), J. American Statistical Association 62, 194-204.

    Examples
    --------
    >>> rao_kupper(np.array([0.]), np.log(np.log(2))).p.round(4).tolist()
    [[0.3333, 0.3333, 0.3333]]
    """
    tau = exp(t)
    log_first, log_second = log_expit(d - tau), log_expit(-d - tau)
    # The rest is (theta^2 - 1) P(first) P(second), which keeps its digits when it is small.
    log_tie = 2 * tau + np.log(-np.expm1(-2 * tau)) + log_first + log_second
    log_p = np.column_stack([log_second, log_tie, log_first])
    not_first, not_second = expit(tau - d), expit(tau + d)
    score_d = np.column_stack([-not_second, not_first - not_second, not_first])
    of_tie = -2 / np.expm1(-2 * tau) - not_first - not_second
    score_t = tau * np.column_stack([-not_second, of_tie, -not_first])
    return Cells(log_p, np.exp(log_p), score_d, score_t)


def half_credit(d: Floats, t: float = 0.0) -> Cells:
    """Return a binary logit in which a tie is half a win of each: a quasi-likelihood without tie parameter.

    >>> half_credit(np.array([0.])).score_d.tolist()
    [[-0.5, 0.0, 0.5]]
    """
    log_first, log_second = log_expit(d), log_expit(-d)
    share = expit(d)
    log_p = np.column_stack([log_second, (log_first + log_second) / 2, log_first])
    p = np.column_stack([1 - share, np.zeros(len(d)), share])
    score_d = np.array([0.0, 0.5, 1.0]) - share[:, None]
    return Cells(log_p, p, score_d, np.full_like(score_d, t * 0.0))


CELLS: dict[str, Callable[[Floats, float], Cells]] = {
    DAVIDSON: davidson,
    RAO_KUPPER: rao_kupper,
    HALF_CREDIT: half_credit,
    DROPPED: half_credit,
}
"""The equations of each model; with ties dropped it is the binary logit of what is left."""


def tie_parameter(model: str, t: float) -> float | None:
    """Return nu of Davidson or theta of Rao and Kupper, from the value on the real line.

    >>> tie_parameter(DAVIDSON, 0.0), tie_parameter(HALF_CREDIT, 0.0)
    (1.0, None)
    """
    if model == DAVIDSON:
        return exp(t)
    return exp(exp(t)) if model == RAO_KUPPER else None
