"""How far the headline rests on one annotator or one prompt, and what it is when nothing differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studies.analysis.interval import estimate_share
from studies.analysis.records import LOSS, WIN, Codes, Floats, Pair, Records
from studies.analysis.robustness import RobustnessRow

PLACEBO, CONTROL = "placebo", "control"
WITHOUT = {
    "annotator": ("without_annotator_low", "without_annotator_high"),
    "prompt": ("without_prompt_low", "without_prompt_high"),
}
"""The win rate without the one annotator, or prompt, that lowers, or raises, it most."""


def influence_rows(records: Records, first: RobustnessRow, *, alpha: float, seed: int) -> list[RobustnessRow]:
    """Return the rows without one cluster, and the placebo row.

    Parameters
    ----------
    records
        Of the headline, ties already treated.
    first
        The planned row; the others differ from it in what their name says.
    seed
        Of the placebo's coins.

    Notes
    -----
    The placebo exchanges the two arms of every comparison by the toss of a coin: the candidate against
    itself. Its interval should cover 1/2, and in 1 - alpha of all seeds does.
    """
    rows = [
        _row(records.where(codes != left_out), first, name, alpha)
        for word, codes in (("annotator", records.annotator), ("prompt", records.prompt))
        for name, left_out in zip(WITHOUT[word], _extremes(records.credit, codes), strict=False)
    ]
    if len(records):
        rows.append(_row(relabelled(records, seed=seed), first, PLACEBO, alpha))
    return rows


def control_row(pair: Pair, records: Records, first: RobustnessRow, *, alpha: float) -> RobustnessRow:
    """Return the row of a declared A/A control: the same decoding in both arms, so 1/2 is the truth."""
    row = _row(records, first, CONTROL, alpha)
    return replace(row, clustering=f"{CONTROL}: {pair.candidate}")


def relabelled(records: Records, *, seed: int) -> Records:
    """Return the judgments with the arms of every comparison exchanged by a coin.

    >>> ids, slots = np.array([0, 0, 1, 1]), np.zeros(4, dtype=np.int64)
    >>> records = Records(np.full(4, WIN), ids, np.arange(4), np.arange(4), slots)
    >>> relabelled(records, seed=1).credit.tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    _, number = np.unique(records.comparison, return_inverse=True)
    coins = np.random.default_rng(seed).integers(0, 2, int(number.max(initial=-1)) + 1).astype(np.bool_)
    swapped = records.outcome.copy()
    swapped[records.outcome == WIN], swapped[records.outcome == LOSS] = LOSS, WIN
    return replace(records, outcome=np.where(coins[number], swapped, records.outcome))


def _extremes(credit: Floats, codes: Codes) -> tuple[int, ...]:
    """Return the codes without which the mean is lowest and highest; nothing for a single cluster."""
    names, index = np.unique(codes, return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004 - nothing would be left
        return ()
    counts = np.bincount(index)
    rest = (credit.sum() - np.bincount(index, weights=credit)) / (len(credit) - counts)
    return int(names[int(np.argmin(rest))]), int(names[int(np.argmax(rest))])


def _row(records: Records, first: RobustnessRow, name: str, alpha: float) -> RobustnessRow:
    found = estimate_share(records.credit, records.annotator, records.prompt, alpha=alpha)
    return replace(
        first,
        clustering=name,
        planned=False,
        n=found.n,
        win_rate=found.mean,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        p_value=found.p_value,
    )
