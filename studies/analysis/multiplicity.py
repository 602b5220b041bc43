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
