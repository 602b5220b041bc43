"""Whether the arms can be put on one scale: the graph of who was preferred to whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from studies.analysis.contests import FIRST, SECOND, TIED
from studies.analysis.records import Floats
from studies.analysis.refusal import RefusalError

NAMES_SHOWN = 6


def wins_matrix(counts: Floats) -> Floats:
    """Return the half-credit wins of each arm over each other.

    Parameters
    ----------
    counts : (K, K, 3) array
        Outcomes of each ordered pair of arms.

    Returns
    -------
    (K, K) array

    Examples
    --------
    >>> counts = np.zeros((2, 2, 3))
    >>> counts[0, 1] = 1, 2, 3  # the second arm preferred once, two ties, the first three times
    >>> wins_matrix(counts).tolist()
    [[0.0, 4.0], [2.0, 0.0]]
    """
    ties = counts[:, :, TIED] / 2
    return np.asarray(counts[:, :, FIRST] + ties + (counts[:, :, SECOND] + ties).T)


def components(wins: Floats, *, strong: bool) -> list[list[int]]:
    """Return the groups of arms that are connected by judgments, or strongly: by wins in both directions.

    >>> components(np.array([[0., 1.], [0., 0.]]), strong=False)
    [[0, 1]]
    >>> components(np.array([[0., 1.], [0., 0.]]), strong=True)
    [[0], [1]]
    """
    count, labels = csgraph.connected_components(
        sparse.csr_array(wins), directed=True, connection="strong" if strong else "weak"
    )
    groups = [np.flatnonzero(labels == label).tolist() for label in range(count)]
    return sorted(groups)


def require_connected(wins: Floats, arms: Sequence[str]) -> None:
    """Refuse judgments from which no finite scores follow.

    Scores are finite and unique exactly if, however the arms are split in two groups, each group has won
    against the other at least once (a tie counts as half a win for both).

    Raises
    ------
    RefusalError
        With the groups by name.

    References
    ----------
    Ford (1957), American Mathematical Monthly 64, 28-33.
    """
    apart = components(wins, strong=False)
    if len(apart) > 1:
        raise RefusalError(
            f"The arms fall into {len(apart)} groups that were never compared: {_named(apart, arms)}."
        )
    one_sided = components(wins, strong=True)
    if len(one_sided) > 1:
        raise RefusalError(
            f"The arms fall into {len(one_sided)} groups of which one always beat another, so that their "
            f"distance is unbounded: {_named(one_sided, arms)}."
        )


def _named(groups: list[list[int]], arms: Sequence[str]) -> str:
    shown = ["{" + ", ".join(arms[index] for index in group) + "}" for group in groups[:NAMES_SHOWN]]
    if len(groups) > NAMES_SHOWN:
        shown.append(f"and {len(groups) - NAMES_SHOWN} more")
    return ", ".join(shown)
