"""The win rate by where the candidate stood, and by how much longer its text was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.interval import estimate_share
from studies.analysis.records import SLOT_A, SLOT_B, Floats, Mask, Records

BINS = 5
"""Parts of equal size that differences in length are cut into."""


@dataclass(frozen=True, slots=True)
class Point:
    """The win rate of one part of the judgments."""

    at: float
    """In `lengths`, the mean difference in tokens; in `slots`, 1 for slot A and 0 for slot B."""
    n: int
    win_rate: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True, slots=True)
class Panels:
    """What the pictures of position and length are drawn from; empty where the file does not say."""

    slots: tuple[Point, ...]
    lengths: tuple[Point, ...]


def panels(records: Records, lengths: tuple[Floats, Floats] | None, *, alpha: float) -> Panels:
    """Return the win rate in each slot, and in parts of equal size by difference in length.

    Parameters
    ----------
    records
        Judgments, ties already treated; n may be 0.
    lengths
        Tokens of the candidate's and the baseline's text, (n,) each, or None.
    alpha
        Intervals cover 1 - alpha, each for itself, clustered as the headline's is.

    Examples
    --------
    >>> ids = np.array([0, 0, 1, 1])
    >>> records = Records(np.array([3, 0, 3, 3]), ids, np.array([0, 1, 0, 1]), np.arange(4), ids)
    >>> [(point.at, point.win_rate) for point in panels(records, None, alpha=0.05).slots]
    [(1.0, 1.0), (0.0, 0.5)]
    """
    slots = ((1.0, records.candidate_slot == SLOT_A), (0.0, records.candidate_slot == SLOT_B))
    return Panels(
        slots=tuple(_point(records, mask, at, alpha) for at, mask in slots if np.any(mask)),
        lengths=_by_length(records, lengths, alpha) if lengths is not None and len(records) else (),
    )


def _by_length(records: Records, lengths: tuple[Floats, Floats], alpha: float) -> tuple[Point, ...]:
    difference = lengths[0] - lengths[1]
    if not np.all(np.isfinite(difference)):
        return ()
    edges = np.unique(np.quantile(difference, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, difference, side="right")
    return tuple(
        _point(records, bins == number, float(difference[bins == number].mean()), alpha)
        for number in np.unique(bins).tolist()
    )


def _point(records: Records, mask: Mask, at: float, alpha: float) -> Point:
    part = records.where(mask)
    found = estimate_share(part.credit, part.annotator, part.prompt, alpha=alpha)
    return Point(at, found.n, found.mean, found.ci_low, found.ci_high)
