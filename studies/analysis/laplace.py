"""Laplace's approximation to the likelihood of a logit with two crossed random intercepts.

    logit P(success_i) = X_i b + s_1 u[first_i] + s_2 v[second_i],   u, v ~ N(0, 1) independent

Shapes: m rows of binomial counts, k fixed effects, G and H levels; parameters are (s_1, s_2, b). The
likelihood is even in s_1 and s_2, so it is smooth at the boundary and they may pass zero on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, gammaln, log_expit

from studies.analysis.records import Codes, Floats

MODE_STEPS = 100
MODE_GAIN = 1e-22
"""What a further step may still gain, relative to the log-likelihood."""
HALVINGS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Binomial counts with a level of each of two factors; levels are numbered without gaps."""

    successes: Floats
    trials: Floats
    design: Floats
    first: Codes
    second: Codes

    @property
    def levels(self) -> tuple[int, int]:
        """How many levels each factor has."""
        return int(self.first.max()) + 1, int(self.second.max()) + 1

    @property
    def constant(self) -> float:
        """The sum of the log binomial coefficients, which no parameter moves."""
        rest = self.trials - self.successes
        return float(
            np.sum(
                gammaln(self.trials + 1) - gammaln(self.successes + 1) - gammaln(rest + 1), dtype=np.float64
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """The matrix [[diag(d), C], [C', diag(e)]] of second derivatives in u and v, factored."""

    d: Floats  # (G,)
    c: Floats  # (G, H)
    scaled: Floats  # (G, H), C / d
    factor: tuple[Floats, bool]

    def solve(self, of_u: Floats, of_v: Floats) -> tuple[Floats, Floats]:
        """Solve for right-hand sides (G, r) and (H, r)."""
        v = cho_solve(self.factor, of_v - self.scaled.T @ of_u)
        return (of_u - self.c @ v) / self.d[:, None], v

    @property
    def log_determinant(self) -> float:
        """Of the whole matrix: of diag(d) and of d's complement."""
        return float(np.log(self.d).sum() + 2 * np.log(np.diag(self.factor[0])).sum())

    def inverse_blocks(self) -> tuple[Floats, Floats, Floats]:
        """Return the inverse's diagonal in u, (G,), its part between, (G, H), and its diagonal in v, (H,)."""
        of_v = cho_solve(self.factor, np.eye(len(self.factor[0])))
        between = -self.scaled @ of_v
        return 1 / self.d - (between * self.scaled).sum(axis=1), between, np.diag(of_v)


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """The most likely random effects at some parameters."""

    u: Floats
    v: Floats
    share: Floats
    curvature: Curvature
    log_joint: float


def curvature_of(data: Crossed, sigma: Floats, weights: Floats) -> Curvature:
    """Return the curvature for binomial weights t p (1 - p), (m,)."""
    rows, columns = data.levels
    table = np.bincount(data.first * columns + data.second, weights=weights, minlength=rows * columns)
    table = table.reshape(rows, columns)
    d = 1 + sigma[0] ** 2 * table.sum(axis=1)
    e = 1 + sigma[1] ** 2 * table.sum(axis=0)
    c = sigma[0] * sigma[1] * table
    scaled = c / d[:, None]
    return Curvature(d, c, scaled, cho_factor(np.diag(e) - c.T @ scaled))


def find_mode(data: Crossed, parameters: Floats, start: Mode | None = None) -> Mode:
    """Maximise the joint log-likelihood over u and v by Newton's method; it is concave."""
    sigma, fixed = parameters[:2], data.design @ parameters[2:]
    rows, columns = data.levels
    u, v = (np.zeros(rows), np.zeros(columns)) if start is None else (start.u, start.v)
    joint = _log_joint(data, fixed, sigma, u, v)
    for _ in range(MODE_STEPS):
        share = expit(fixed + sigma[0] * u[data.first] + sigma[1] * v[data.second])
        curvature = curvature_of(data, sigma, data.trials * share * (1 - share))
        of_u, of_v = _sums(data, sigma, data.successes - data.trials * share)
        gradient_u, gradient_v = of_u - u, of_v - v
        step_u, step_v = (x[:, 0] for x in curvature.solve(gradient_u[:, None], gradient_v[:, None]))
        gain = float(gradient_u @ step_u + gradient_v @ step_v)
        if gain < MODE_GAIN * (1 + abs(joint)):
            break
        u, v, joint = _climb(data, fixed, sigma, (u, v, joint), (step_u, step_v))
    return Mode(u, v, share, curvature, joint)


def _climb(
    data: Crossed,
    fixed: Floats,
    sigma: Floats,
    at: tuple[Floats, Floats, float],
    step: tuple[Floats, Floats],
) -> tuple[Floats, Floats, float]:
    """Take the step, halved until it does not descend."""
    u, v, before = at
    length = 1.0
    for _ in range(HALVINGS):
        new_u, new_v = u + length * step[0], v + length * step[1]
        joint = _log_joint(data, fixed, sigma, new_u, new_v)
        if joint >= before - 1e-12 * abs(before):
            return new_u, new_v, joint
        length /= 2
    return u, v, before


def _log_joint(data: Crossed, fixed: Floats, sigma: Floats, u: Floats, v: Floats) -> float:
    eta = fixed + sigma[0] * u[data.first] + sigma[1] * v[data.second]
    likelihood = data.successes @ log_expit(eta) + (data.trials - data.successes) @ log_expit(-eta)
    return float(likelihood - (u @ u + v @ v) / 2)


def _sums(data: Crossed, sigma: Floats, values: Floats) -> tuple[Floats, Floats]:
    rows, columns = data.levels
    of_u = sigma[0] * np.bincount(data.first, weights=values, minlength=rows)
    of_v = sigma[1] * np.bincount(data.second, weights=values, minlength=columns)
    return of_u, of_v


def deviance(mode: Mode) -> float:
    """Return -2 log of Laplace's approximation, without the binomial coefficients."""
    return -2 * mode.log_joint + mode.curvature.log_determinant


def deviance_gradient(data: Crossed, parameters: Floats, mode: Mode) -> Floats:
    """Return the derivatives of `deviance` with respect to (s_1, s_2, b), (2 + k,).

    By the envelope theorem the joint log-likelihood moves with the parameters only directly; the
    determinant also moves with the mode, whose derivative is the solution of a linear system.
    """
    sigma = parameters[:2]
    residual = data.successes - data.trials * mode.share
    weights = data.trials * mode.share * (1 - mode.share)
    direct = np.column_stack([mode.u[data.first], mode.v[data.second], data.design])  # (m, 2 + k)
    of_u, between, of_v = mode.curvature.inverse_blocks()
    p_first, p_both, p_second = of_u[data.first], between[data.first, data.second], of_v[data.second]
    # How much of each log-odds the random effects leave open, and its derivative in s_1 and s_2.
    spread = sigma[0] ** 2 * p_first + 2 * sigma[0] * sigma[1] * p_both + sigma[1] ** 2 * p_second
    by_first = 2 * (sigma[0] * p_first + sigma[1] * p_both)
    by_second = 2 * (sigma[1] * p_second + sigma[0] * p_both)
    change = direct + _through_mode(data, sigma, mode, residual, weights[:, None] * direct)
    tilt = weights * (1 - 2 * mode.share) * spread
    gradient = -2 * (residual @ direct) + tilt @ change
    gradient[0] += weights @ by_first
    gradient[1] += weights @ by_second
    return np.asarray(gradient)


def _through_mode(data: Crossed, sigma: Floats, mode: Mode, residual: Floats, weighted: Floats) -> Floats:
    """Return how the log-odds move with each parameter because the mode does, (m, 2 + k)."""
    rows, columns = data.levels
    right_u, right_v = np.empty((rows, weighted.shape[1])), np.empty((columns, weighted.shape[1]))
    for index, column in enumerate(weighted.T):
        of_u, of_v = _sums(data, sigma, column)
        right_u[:, index], right_v[:, index] = -of_u, -of_v
    right_u[:, 0] += np.bincount(data.first, weights=residual, minlength=rows)
    right_v[:, 1] += np.bincount(data.second, weights=residual, minlength=columns)
    moved_u, moved_v = mode.curvature.solve(right_u, right_v)
    return np.asarray(sigma[0] * moved_u[data.first] + sigma[1] * moved_v[data.second])
