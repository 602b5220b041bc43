"""Boundaries of a test that is looked at more than once, by numeric integration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log, pi, sqrt

import numpy as np
from scipy import optimize, special, stats

from studies.analysis.records import Floats
from studies.analysis.refusal import RefusalError

NODES = 201
"""Gauss-Legendre nodes of each look's density; 5 digits of the published boundaries need 60."""
HIGHEST = 12.0
"""A boundary beyond which a look spends nothing that double precision could hold."""
SMALLEST_STEP = 0.005
"""Smallest growth of information, as a share of the whole, whose density the nodes resolve."""
EULER = 2.718281828459045

Spending = Callable[[float, float], float]


@dataclass(frozen=True, slots=True, eq=False)
class _Density:
    """Density of the score S = z sqrt(t) over paths that have not crossed: nodes times weights."""

    nodes: Floats
    mass: Floats


@lru_cache(maxsize=64)
def legendre(nodes: int) -> tuple[Floats, Floats]:
    """Return Gauss and Legendre's nodes and weights on (-1, 1), which take longer to find than to use."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return points, weights


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Return the two-sided error spent by an information fraction: 4 (1 - Phi(z_{alpha/4} / sqrt t)).

    References
    ----------
    Lan & DeMets (1983), Biometrika 70, 659-663, per side with alpha / 2.

    Examples
    --------
    >>> round(obrien_fleming(0.2, 0.05) * 1e6, 3), obrien_fleming(1.0, 0.05)
    (1.078, 0.05)
    """
    if fraction >= 1:
        return alpha
    return float(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / sqrt(fraction)))


def pocock(fraction: float, alpha: float) -> float:
    """Return the two-sided error spent by an information fraction: alpha log(1 + (e - 1) t).

    References
    ----------
    Lan & DeMets (1983), Biometrika 70, 659-663.

    Examples
    --------
    >>> round(pocock(0.5, 0.05), 5)
    0.03101
    """
    return alpha * log(1 + (EULER - 1) * min(fraction, 1.0))


def check_information(information: Sequence[float], whole: float) -> None:
    """Refuse information that does not grow from look to look.

    Raises
    ------
    RefusalError
        Otherwise.
    """
    grown = np.diff(np.concatenate([[0.0], np.asarray(information, dtype=np.float64)]))
    if not whole > 0 or np.any(~(grown >= SMALLEST_STEP * whole)):
        raise RefusalError("Each look must add information; one that adds less than 0.5 % is no look.")


def crossing(density: _Density | None, step: float, bound: float) -> float:
    """Return the probability that the score is outside +- ``bound`` after ``step`` more information."""
    if density is None:
        return float(2 * special.ndtr(-bound / sqrt(step)))
    sd = sqrt(step)
    outside = special.ndtr((density.nodes - bound) / sd) + special.ndtr((-bound - density.nodes) / sd)
    return float(outside @ density.mass)


def carry(density: _Density | None, step: float, bound: float) -> _Density:
    """Return the density of paths that stay within +- ``bound`` after ``step`` more information.

    References
    ----------
    Armitage, McPherson & Rowe (1969), J. Royal Statistical Society A 132, 235-244.
    """
    points, weights = legendre(NODES)
    nodes, weights = points * bound, weights * bound
    if density is None:
        return _Density(nodes, weights * _normal(nodes, sqrt(step)))
    kernel = _normal(nodes[:, None] - density.nodes[None, :], sqrt(step))  # (new nodes, old nodes)
    return _Density(nodes, weights * (kernel @ density.mass))


def _normal(x: Floats, sd: float) -> Floats:
    """Return the normal density."""
    return np.asarray(np.exp(-((x / sd) ** 2) / 2) / (sd * sqrt(2 * pi)), dtype=np.float64)


def boundaries(
    information: Sequence[float], spent: Sequence[float], *, whole: float | None = None
) -> list[float]:
    """Return the two-sided boundary of z at each look.

    Parameters
    ----------
    information : (K,) sequence
        Information at each look, in any unit, growing.
    spent : (K,) sequence
        Error probability spent up to and with each look, not falling.
    whole : float, optional
        Information of the whole study; the last look's unless given.

    Returns
    -------
    list of float
        `HIGHEST` where a look spends nothing.

    Raises
    ------
    RefusalError
        Information that does not grow.

    Notes
    -----
    The score z sqrt(I) is taken as a Brownian motion in information.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, ch. 7 and 19.

    Examples
    --------
    >>> looks = [0.5, 1.0]
    >>> [round(b, 3) for b in boundaries(looks, [obrien_fleming(t, 0.05) for t in looks])]
    [2.963, 1.969]
    """
    if not len(information):
        return []
    check_information(information, whole or information[-1])
    found: list[float] = []
    density: _Density | None = None
    before, used = 0.0, 0.0
    for now, total in zip(information, spent, strict=True):
        bound = _bound(density, now - before, sqrt(now), max(total - used, 0.0))
        density = carry(density, now - before, bound * sqrt(now))
        before, used = now, max(total, used)
        found.append(bound)
    return found


def _bound(density: _Density | None, step: float, root: float, spend: float) -> float:
    """Return the z at which the probability of crossing now equals what may be spent now."""
    if crossing(density, step, HIGHEST * root) >= spend:
        return HIGHEST
    return float(
        optimize.brentq(lambda z: crossing(density, step, z * root) - spend, 0.0, HIGHEST, xtol=1e-10)
    )


def shaped_boundaries(looks: int, *, alpha: float = 0.05, power: float = 0.0) -> list[float]:
    """Return c (k / K)^(power - 1/2) at equally spaced looks, with c such that the error is alpha.

    ``power`` 0 is O'Brien and Fleming's classical boundary, 1/2 is Pocock's.

    References
    ----------
    Wang & Tsiatis (1987), Biometrics 43, 193-199.

    Examples
    --------
    >>> round(shaped_boundaries(5)[-1], 3), round(shaped_boundaries(5, power=0.5)[-1], 3)
    (2.04, 2.413)
    """
    fractions = np.arange(1, looks + 1) / looks
    shape = fractions ** (power - 0.5)
    constant = optimize.brentq(lambda c: _error(fractions, c * shape) - alpha, 0.5, 6.0, xtol=1e-9)
    return [float(bound) for bound in constant * shape]


def _error(fractions: Floats, bounds: Floats) -> float:
    """Return the probability of crossing at any look without an effect."""
    density, before, error = None, 0.0, 0.0
    for now, bound in zip(fractions.tolist(), bounds.tolist(), strict=True):
        error += crossing(density, now - before, bound * sqrt(now))
        density, before = carry(density, now - before, bound * sqrt(now)), now
    return error
