"""The headline: how often the candidate is preferred to the baseline, by one criterion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.agreement import Agreement, agreement
from studies.analysis.interval import Estimate, estimate_share
from studies.analysis.naive import Naive, naive
from studies.analysis.position import slot_a_share
from studies.analysis.records import BOTH_BAD, LOSS, SLOT_UNKNOWN, TIE, WIN, Records

HALF, DROP = "half", "drop"
TIE_RULES = (HALF, DROP)
"""A tie counts as half a win, or is left out."""


@dataclass(frozen=True, slots=True)
class WinRate:
    """Everything said of one criterion before other criteria are considered."""

    wins: int
    ties: int
    both_bad: int
    losses: int
    net: float | None
    """(W - L) / n over all judgments, ties included."""
    ties_rule: str
    estimate: Estimate
    decided: Estimate
    naive: Naive
    position: Estimate
    agreement: Agreement
    caveats: tuple[str, ...]


def win_rate(records: Records, *, alpha: float, ties: str, seed: int) -> WinRate:
    """Analyse the judgments of one criterion and one pair of arms.

    Parameters
    ----------
    records
        Judgments to analyse; may be empty.
    alpha
        Intervals cover 1 - alpha.
    ties
        `HALF` or `DROP`; both bad follows the same rule.
    seed
        Of the resampling behind the interval of Krippendorff's alpha.

    Notes
    -----
    Half-credit win rate (W + T/2) / n, as in AlpacaEval; decided-only W / (W + L).

    Examples
    --------
    >>> zeros = np.zeros(4, dtype=np.int64)
    >>> ids = np.array([0, 0, 1, 1])
    >>> records = Records(np.array([WIN, TIE, WIN, LOSS]), ids, np.array([0, 1, 0, 1]), np.arange(4), zeros)
    >>> rate = win_rate(records, alpha=0.05, ties="half", seed=0)
    >>> rate.estimate.mean, rate.wins, rate.net
    (0.625, 2, 0.25)
    """
    wins, ties_count, both_bad, losses = (
        int(np.count_nonzero(records.outcome == code)) for code in (WIN, TIE, BOTH_BAD, LOSS)
    )
    only_decided = records.where(records.decided)
    decided = _estimate(only_decided, alpha)
    estimate = decided if ties == DROP else _estimate(records, alpha)
    return WinRate(
        wins=wins,
        ties=ties_count,
        both_bad=both_bad,
        losses=losses,
        net=(wins - losses) / len(records) if len(records) else None,
        ties_rule=ties,
        estimate=estimate,
        decided=decided,
        naive=naive(wins, losses, alpha=alpha),
        position=slot_a_share(records, alpha=alpha),
        agreement=agreement(records, level=alpha, seed=seed),
        caveats=(*estimate.caveats, *_caveats(records, wins + losses)),
    )


def _estimate(records: Records, alpha: float) -> Estimate:
    return estimate_share(records.credit, records.annotator, records.prompt, alpha=alpha)


def _caveats(records: Records, decided: int) -> list[str]:
    if not len(records):
        return []
    found = []
    if not decided:
        found.append("No judgment prefers a side: every one is a tie.")
    if np.all(records.candidate_slot == SLOT_UNKNOWN):
        found.append("The file does not say in which slot the candidate was: no position effect.")
    elif decided and _one_sided(records):
        found.append(
            "The candidate was always in the same slot: preference and position cannot be told apart."
        )
    return found


def _one_sided(records: Records) -> bool:
    return len(np.unique(records.candidate_slot)) == 1
