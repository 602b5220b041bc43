"""More than two arms: scores on one scale, intervals that hold for all candidates, a trend over guidance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from studies.analysis.absence import Absence, attempt
from studies.analysis.bradley_terry import BradleyTerry, bradley_terry
from studies.analysis.contests import contests_of
from studies.analysis.records import Codes, Judgments, Records
from studies.analysis.refusal import RefusalError
from studies.analysis.simultaneous import Band, Trend, rates_of, simultaneous_band, trend
from studies.analysis.tie_models import DAVIDSON, DROPPED

TWO = 2


@dataclass(frozen=True, slots=True)
class SeveralArms:
    """What is said of all arms together, by the primary criterion."""

    bradley_terry: BradleyTerry | Absence
    band: Band | Absence
    """One interval per candidate of ``candidates``, all at once."""
    candidates: tuple[str, ...]
    trend: Trend | Absence
    """Over the guidance scales of the candidates, where they are known."""


def several_arms(  # noqa: PLR0913 - the settings of one analysis
    judgments: Judgments,
    *,
    criterion: int,
    alpha: float,
    ties: str,
    seed: int,
    scales: Mapping[str, float],
    draws: int,
) -> SeveralArms | None:
    """Return everything of several arms; None for two arms, of which the headline says all.

    Parameters
    ----------
    ties
        `half` or `drop`, for band and trend. Scores have Davidson's ties, or none when they are dropped.
    scales
        Guidance scale by candidate's name; may be empty.
    """
    arms = {name for pair in judgments.pairs for name in pair}
    if len(arms) <= TWO:
        return None
    records, group, names = _of_candidates(judgments, criterion, ties)

    def band() -> Band:
        rates = rates_of(records.credit, group, len(names), records.annotator, records.prompt)
        return simultaneous_band(rates, alpha=alpha, rng=np.random.default_rng(seed))

    def over_scales() -> Trend:
        if set(names) - set(scales):
            raise RefusalError("The guidance scales of the candidates are not known.")
        scale = np.array([scales[name] for name in names])[group]
        return trend(
            records.credit,
            scale,
            records.annotator,
            records.prompt,
            alpha=alpha,
            rng=np.random.default_rng(seed),
            draws=draws or 1000,
        )

    return SeveralArms(
        bradley_terry=attempt(
            lambda: bradley_terry(
                contests_of(judgments, criterion),
                rng=np.random.default_rng(seed),
                ties=DROPPED if ties == "drop" else DAVIDSON,
                alpha=alpha,
            )
        ),
        band=attempt(band),
        candidates=names,
        trend=attempt(over_scales),
    )


def _of_candidates(judgments: Judgments, criterion: int, ties: str) -> tuple[Records, Codes, tuple[str, ...]]:
    """Return the judgments against the first baseline, each with the number of its candidate."""
    baseline = judgments.pairs[0].baseline
    keep = judgments.analysed & (judgments.criterion == criterion)
    keep &= np.array([pair.baseline == baseline for pair in judgments.pairs])[judgments.pair]
    if ties == "drop":
        keep &= judgments.records.decided
    kept = judgments.pair[keep]
    present, group = np.unique(kept, return_inverse=True)
    return (
        judgments.records.where(keep),
        np.asarray(group, dtype=np.int64),
        tuple(judgments.pairs[number].candidate for number in present.tolist()),
    )
