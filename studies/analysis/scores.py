"""What a graded criterion says beyond win, tie and loss: how strongly, on its 5 or 7 points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.absence import Absence, attempt
from studies.analysis.graded import ScoreMean, SignedRank, mean_score, score_means, signed_rank
from studies.analysis.graded_agreement import INTERVAL, ORDINAL, GradedAlpha, graded_alpha
from studies.analysis.ordinal import symmetric_location
from studies.analysis.records import Codes, Floats, Records

SLOW = 50_000
"""Scores up to which the ordinal model is fitted."""


@dataclass(frozen=True, slots=True)
class Location:
    """The ordinal model's location under thresholds that mirror around zero."""

    estimate: float
    """Log-odds; above zero the candidate is preferred."""
    se: float
    p_value: float
    """Judgments of one annotator share a random intercept; prompts are taken as given."""
    var_annotator: float | None
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graded:
    """The signed scores of one criterion and one pair of arms, in steps of the scale."""

    score: ScoreMean
    steps: int
    """The largest score given, in either direction."""
    signed_rank: SignedRank | Absence
    """Of annotators' mean scores."""
    ordinal: Location | Absence
    alpha_ordinal: GradedAlpha
    alpha_interval: GradedAlpha


def graded(records: Records, scores: Floats, *, alpha: float, seed: int) -> Graded:
    """Analyse the signed scores of a graded criterion.

    Parameters
    ----------
    records
        The judgments that the scores belong to.
    scores : (n,) array
        Positive where the candidate is preferred, zero for a tie, in steps of the scale; n may be 0.
    alpha
        Intervals cover 1 - alpha.
    seed
        Of the resampling behind the intervals of Krippendorff's alpha.

    Notes
    -----
    The mean treats the steps as equal and is clustered as the headline is; the signed ranks of the
    annotators' means and the ordinal model are sensitivities that do not.

    References
    ----------
    See `graded.mean_score`, `graded.signed_rank`, `ordinal.symmetric_location`,
    `graded_agreement.graded_alpha`.

    Examples
    --------
    >>> ids, slots = np.array([0, 0, 1, 1]), np.zeros(4, dtype=np.int64)
    >>> records = Records(np.array([3, 1, 3, 0]), ids, np.array([0, 1, 0, 1]), np.arange(4), slots)
    >>> graded(records, np.array([2., 0., 1., -1.]), alpha=0.05, seed=0).score.mean
    0.5
    """
    return Graded(
        score=mean_score(scores, records.annotator, records.prompt, alpha=alpha),
        steps=int(np.abs(scores).max()) if len(scores) else 0,
        signed_rank=attempt(lambda: signed_rank(score_means(scores, records.annotator))),
        ordinal=_location(scores, records.annotator),
        alpha_ordinal=_agreement(records, scores, ORDINAL, alpha, seed),
        alpha_interval=_agreement(records, scores, INTERVAL, alpha, seed),
    )


def _location(scores: Floats, annotator: Codes) -> Location | Absence:
    if len(scores) > SLOW:
        return Absence(f"The ordinal model is fitted to at most {SLOW} scores.")

    def fit() -> Location:
        found = symmetric_location(scores, annotator=annotator)
        return Location(
            found.coefficients[0], found.errors[0], found.p_values[0], found.var_annotator, found.caveats
        )

    return attempt(fit)


def _agreement(records: Records, scores: Floats, metric: str, alpha: float, seed: int) -> GradedAlpha:
    values, columns = np.unique(scores, return_inverse=True)
    _, rows = np.unique(records.comparison, return_inverse=True)
    shape = (int(rows.max()) + 1 if len(rows) else 0, len(values))
    counts = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return graded_alpha(
        counts.reshape(shape).astype(np.float64),
        values,
        metric=metric,
        level=alpha,
        rng=np.random.default_rng(seed),
    )
