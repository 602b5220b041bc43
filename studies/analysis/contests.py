"""Judgments between more than two arms, as integer arrays and as counts.

A contest has a first and a second arm: the one in slot A and the one in slot B where the slots are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.records import LOSS, SLOT_B, SLOT_UNKNOWN, WIN, Codes, Floats, Judgments, Mask

SECOND, TIED, FIRST = range(3)
"""Codes of what a judgment says: the second arm is preferred, neither, the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Contests:
    """One entry per judgment in each array.

    Attributes
    ----------
    arms
        Names; ``first`` and ``second`` index them.
    outcome
        `SECOND`, `TIED` or `FIRST`.
    slots_known
        Whether ``first`` is the arm that was shown in slot A.
    """

    arms: tuple[str, ...]
    first: Codes
    second: Codes
    outcome: Codes
    annotator: Codes
    prompt: Codes
    slots_known: bool = True

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, mask: Mask) -> Contests:
        """Return the judgments that ``mask`` keeps."""
        return Contests(
            self.arms,
            self.first[mask],
            self.second[mask],
            self.outcome[mask],
            self.annotator[mask],
            self.prompt[mask],
            self.slots_known,
        )

    @property
    def cell(self) -> Codes:
        """The code of first arm, second arm and outcome taken together."""
        return (self.first * len(self.arms) + self.second) * 3 + self.outcome

    def counts(self) -> Floats:
        """Return how often each outcome occurred in each ordered pair of arms.

        Returns
        -------
        (K, K, 3) array
        """
        arms = len(self.arms)
        counted = np.bincount(self.cell, minlength=arms * arms * 3)
        return counted.reshape(arms, arms, 3).astype(np.float64)


def contests_of(judgments: Judgments, criterion: int) -> Contests:
    """Return the analysed judgments of one criterion as contests between all arms of the file.

    Both bad counts as a tie. Where a slot is unknown the candidate is the first arm, and then no judgment's
    slot is used.
    """
    keep = judgments.analysed & (judgments.criterion == criterion)
    records, pair = judgments.records.where(keep), judgments.pair[keep]
    arms = tuple(dict.fromkeys(name for names in judgments.pairs for name in names))
    numbers = {name: number for number, name in enumerate(arms)}
    candidates = np.array([numbers[names.candidate] for names in judgments.pairs], dtype=np.int64)[pair]
    baselines = np.array([numbers[names.baseline] for names in judgments.pairs], dtype=np.int64)[pair]
    slots_known = not np.any(records.candidate_slot == SLOT_UNKNOWN)
    swapped = (records.candidate_slot == SLOT_B) & slots_known
    won = np.where(records.outcome == WIN, FIRST, np.where(records.outcome == LOSS, SECOND, TIED))
    return Contests(
        arms=arms,
        first=np.where(swapped, baselines, candidates),
        second=np.where(swapped, candidates, baselines),
        outcome=np.where(swapped, FIRST - won, won),
        annotator=records.annotator,
        prompt=records.prompt,
        slots_known=bool(slots_known),
    )
