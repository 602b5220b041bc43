"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's step-down adjusted p-values, in the order given.

    A test that could not be made (None) stays None and still counts in the family, because it was planned.

    References
    ----------
    Holm (1979), Scandinavian J. Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, None])
    [0.03, 0.08, None]
    """
    family = len(p_values)
    known = np.array([1.0 if p is None else p for p in p_values])
    order = np.argsort(known, kind="stable")
    scaled = known[order] * (family - np.arange(family))
    adjusted = np.empty(family)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled)) if family else scaled
    return [None if p is None else float(value) for p, value in zip(p_values, adjusted.tolist(), strict=True)]


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Hochberg's step-up adjusted p-values, in the order given; for screens.

    They control the expected share of false claims among the claims, not the chance of any false claim.
    A test that could not be made (None) stays None and still counts in the family.

    References
    ----------
    Benjamini & Hochberg (1995), J. Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, None])
    [0.03, 0.06, None]
    """
    family = len(p_values)
    known = np.array([1.0 if p is None else p for p in p_values])
    order = np.argsort(known, kind="stable")[::-1]
    scaled = known[order] * (family / np.arange(family, 0, -1))
    adjusted = np.empty(family)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled)) if family else scaled
    return [None if p is None else float(value) for p, value in zip(p_values, adjusted.tolist(), strict=True)]


def fixed_sequence(p_values: Sequence[float | None]) -> list[float | None]:
    """Return adjusted p-values of tests made in a fixed order, each only after all before it rejected.

    An adjusted p-value is the largest so far, so comparing it with alpha stops at the first test that did
    not reject. From a test that could not be made (None) on, nothing is tested.

    References
    ----------
    Maurer, Hothorn & Lehmacher (1995), in Biometrie in der chemisch-pharmazeutischen Industrie 6, 3-18.

    Examples
    --------
    >>> fixed_sequence([0.01, 0.04, 0.02]), fixed_sequence([None, 0.01])
    ([0.01, 0.04, 0.04], [None, None])
    """
    adjusted: list[float | None] = []
    largest: float | None = 0.0
    for p in p_values:
        largest = None if p is None or largest is None else max(largest, p)
        adjusted.append(largest)
    return adjusted
