"""Judgments as frozen integer arrays, in the arm frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

LOSS, TIE, BOTH_BAD, WIN = range(4)
"""Codes of what a judgment says of the candidate; both bad is kept apart from a tie."""
CREDIT: Floats = np.array([0.0, 0.5, 0.5, 1.0])
"""Credit of the candidate by code: a tie of either kind counts half."""
SLOT_B, SLOT_A, SLOT_UNKNOWN = 0, 1, 2
"""Codes of the slot in which the candidate was shown."""


class Pair(NamedTuple):
    """A candidate arm and the baseline arm that it was compared with."""

    candidate: str
    baseline: str


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """One entry per judgment in each array; cluster codes need not be consecutive.

    Attributes
    ----------
    outcome
        `LOSS`, `TIE`, `BOTH_BAD` or `WIN`, of the candidate.
    annotator, prompt
        The two clusters that a judgment belongs to.
    comparison
        The pair of responses that was judged: the unit of agreement.
    candidate_slot
        `SLOT_A`, `SLOT_B` or `SLOT_UNKNOWN`.
    """

    outcome: Codes
    annotator: Codes
    prompt: Codes
    comparison: Codes
    candidate_slot: Codes

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def credit(self) -> Floats:
        """1 for a win, 1/2 for a tie or both bad, 0 for a loss."""
        return CREDIT[self.outcome]

    @property
    def decided(self) -> Mask:
        """Which judgments prefer one side."""
        return np.isin(self.outcome, (WIN, LOSS))

    def where(self, mask: Mask) -> Self:
        """Return the judgments that ``mask`` keeps."""
        return self.take(mask)

    def take(self, rows: Codes | Mask) -> Self:
        """Return these judgments in this order."""
        return type(self)(
            self.outcome[rows],
            self.annotator[rows],
            self.prompt[rows],
            self.comparison[rows],
            self.candidate_slot[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Judgments:
    """A whole file of judgments: the records, and what each is a judgment of.

    Attributes
    ----------
    criteria, pairs
        Names in order of first appearance; ``criterion`` and ``pair`` index them.
    real
        Judgments of real comparisons; the rest are attention checks and swapped repeats.
    excluded
        Judgments that a named rule takes out of the analysis.
    """

    records: Records
    criteria: tuple[str, ...]
    criterion: Codes
    pairs: tuple[Pair, ...]
    pair: Codes
    real: Mask
    excluded: Mask
    lengths: tuple[Floats, Floats] | None = None
    """Tokens of the candidate's and the baseline's text; not a number where a row does not say."""
    strength: Floats | None = None
    """Signed scores of graded criteria; not a number where a row does not say."""
    strata: tuple[str, ...] = ("",)
    stratum: Codes | None = None
    """Numbers into ``strata``; None where the file has none."""
    times: Callable[[], Floats | None] = lambda: None
    """When each was judged, in seconds since 1970, on demand; None where a row has no time."""
    order: Callable[[], Floats | None] = lambda: None
    """How many times of judging the annotator had before, on demand; None where a row has no time."""

    def __len__(self) -> int:
        return len(self.records)

    @property
    def analysed(self) -> Mask:
        """Judgments that enter the headline: of real comparisons, and not excluded."""
        return self.real & ~self.excluded

    def select(self, criterion: int, pair: int) -> Records:
        """Return what is analysed of one criterion and one pair of arms."""
        return self.records.where(self.mask(criterion, pair))

    def mask(self, criterion: int, pair: int) -> Mask:
        """Return which judgments are analysed of one criterion and one pair of arms."""
        return np.asarray(self.analysed & (self.criterion == criterion) & (self.pair == pair))
