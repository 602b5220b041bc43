"""Scores of more than two arms from all their contests: Bradley and Terry's model and its kin with ties."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from studies.analysis.comparisons_graph import require_connected, wins_matrix
from studies.analysis.contest_fit import Fit, fit_counts, fit_covariances
from studies.analysis.contests import TIED, Contests
from studies.analysis.covariance import Contrast, Covariances, contrast_of
from studies.analysis.rank_sets import RankSets, rank_sets
from studies.analysis.records import Floats
from studies.analysis.refusal import RefusalError
from studies.analysis.simultaneous import DRAWS
from studies.analysis.tie_models import DAVIDSON, DROPPED, RAO_KUPPER, TIE_MODELS, tie_parameter

ELO_CENTRE, ELO_SCALE = 1000.0, 400 / log(10)
ONE_CLUSTER = "With one annotator or one prompt there is no interval over annotators and prompts."
NO_TIES = "There are no ties, so the tie parameter is at its boundary and is not estimated."
FEW_CLUSTERS = 6


@dataclass(frozen=True, slots=True)
class ArmScore:
    """One arm: its log-strength against the mean of all arms. None where there is no interval."""

    name: str
    judgments: int
    score: float
    se: float | None
    ci_low: float | None
    ci_high: float | None
    rank_low: int | None
    """1 + how many arms are significantly better, simultaneously over all pairs."""
    rank_high: int | None
    rank_low_each: int | None
    """The same with each pair tested by itself."""
    rank_high_each: int | None
    elo: float
    """1000 + 400 / ln(10) times the score: for display only."""


@dataclass(frozen=True, slots=True)
class PairFit:
    """Predicted against observed credit of one arm against another."""

    arm: str
    other: str
    n: int
    observed: float
    expected: float


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """Scores of all arms with two-way clustered intervals."""

    method: str
    n: int
    annotators: int
    prompts: int
    df: int
    alpha: float
    arms: tuple[ArmScore, ...]
    """Best first."""
    tie_parameter: float | None
    position: Contrast | None
    """Log-odds of being shown in slot A."""
    log_likelihood: float
    deviance: float
    residual_df: int
    critical: float | None
    """The max-t critical value behind the simultaneous rank sets."""
    pairs: tuple[PairFit, ...]
    caveats: tuple[str, ...]


def bradley_terry(
    contests: Contests,
    *,
    rng: np.random.Generator,
    ties: str = DAVIDSON,
    position: bool = False,
    alpha: float = 0.05,
    draws: int = DRAWS,
) -> BradleyTerry:
    """Score all arms, with intervals clustered by annotator and by prompt, and with rank sets.

    Parameters
    ----------
    contests
        Judgments between at least two arms.
    rng
        Of the simulated maximum behind the simultaneous rank sets.
    ties
        `DAVIDSON`, `RAO_KUPPER`, `HALF_CREDIT` or `DROPPED`.
    position
        Whether to estimate the advantage of slot A beside the scores.

    Notes
    -----
    Scores are log-strengths whose mean is 0; for two arms their difference is the log-odds among decided
    judgments. Each interval takes the largest of the two-way, one-way and independent variances, and t with
    min(G_A, G_P) - 1 degrees of freedom. Assumes that one scale orders the arms: compare ``deviance`` with
    ``residual_df``, and ``pairs``.

    Raises
    ------
    RefusalError
        No judgments, unconnected arms, only ties, unknown slots with ``position``.

    References
    ----------
    Bradley & Terry (1952); Davidson (1970); Cameron, Gelbach & Miller (2011).
    """
    if ties not in TIE_MODELS:
        raise RefusalError(f"unknown tie rule {ties!r}; known are {', '.join(TIE_MODELS)}")
    if position and not contests.slots_known:
        raise RefusalError("The slots are not known, so that the effect of position cannot be estimated.")
    used = _present(contests.where(contests.outcome != TIED) if ties == DROPPED else contests)
    counts = used.counts()
    wins = wins_matrix(counts)
    require_connected(wins, used.arms)
    fit = fit_counts(counts, model=ties, position=position)
    covariances = fit_covariances(fit, used)
    # Too few clusters have no standard errors, and then no rank sets.
    ranks = rank_sets(fit.strengths, covariances, alpha=alpha, rng=rng, draws=draws)
    return BradleyTerry(
        method=ties,
        n=len(used),
        annotators=len(np.unique(used.annotator)),
        prompts=len(np.unique(used.prompt)),
        df=covariances.df,
        alpha=alpha,
        arms=_arms(used, fit, covariances, ranks, alpha),
        tie_parameter=None if fit.log_tie is None else tie_parameter(ties, fit.log_tie),
        position=_position(fit, covariances, alpha),
        log_likelihood=fit.log_likelihood,
        deviance=fit.deviance,
        residual_df=fit.residual_df,
        critical=None if ranks is None else ranks.critical,
        pairs=_pairs(used, counts, fit),
        caveats=tuple(_caveats(fit, covariances, contests, used)),
    )


def _present(contests: Contests) -> Contests:
    """Return the contests with arms that occur only."""
    if not len(contests):
        raise RefusalError("There are no judgments to analyse.")
    if np.any(contests.first == contests.second):
        raise RefusalError("An arm is compared with itself.")
    seen = np.bincount(contests.first, minlength=len(contests.arms)) > 0
    seen |= np.bincount(contests.second, minlength=len(contests.arms)) > 0
    if seen.all():
        return contests
    number = np.cumsum(seen) - 1
    return Contests(
        tuple(name for name, is_seen in zip(contests.arms, seen, strict=True) if is_seen),
        number[contests.first],
        number[contests.second],
        contests.outcome,
        contests.annotator,
        contests.prompt,
        contests.slots_known,
    )


def _arms(
    contests: Contests, fit: Fit, covariances: Covariances, ranks: RankSets | None, alpha: float
) -> tuple[ArmScore, ...]:
    judged = np.bincount(contests.first, minlength=len(contests.arms))
    judged += np.bincount(contests.second, minlength=len(contests.arms))
    units = np.eye(len(fit.bread))
    found = []
    for index in np.argsort(-fit.strengths, kind="stable").tolist():
        score = float(fit.strengths[index])
        contrast = contrast_of(score, covariances, units[index], alpha=alpha)
        arm = ArmScore(
            name=contests.arms[index],
            judgments=int(judged[index]),
            score=score,
            se=contrast.se,
            ci_low=contrast.ci_low,
            ci_high=contrast.ci_high,
            rank_low=None if ranks is None else ranks.low[index],
            rank_high=None if ranks is None else ranks.high[index],
            rank_low_each=None if ranks is None else ranks.low_each[index],
            rank_high_each=None if ranks is None else ranks.high_each[index],
            elo=ELO_CENTRE + ELO_SCALE * score,
        )
        found.append(arm)
    return tuple(found)


def _position(fit: Fit, covariances: Covariances, alpha: float) -> Contrast | None:
    if fit.position is None:
        return None
    unit = np.zeros(len(fit.bread))
    unit[len(fit.strengths)] = 1
    return contrast_of(fit.position, covariances, unit, alpha=alpha)


def _pairs(contests: Contests, counts: Floats, fit: Fit) -> tuple[PairFit, ...]:
    n, wins = counts.sum(axis=2), wins_matrix(counts)
    expected = n * fit.expected  # of the first arm
    expected = expected + (n - expected).T  # of each arm against each, whichever was first
    both = n + n.T
    return tuple(
        PairFit(
            arm=contests.arms[i],
            other=contests.arms[j],
            n=int(both[i, j]),
            observed=float(wins[i, j] / both[i, j]),
            expected=float(expected[i, j] / both[i, j]),
        )
        for i, j in zip(*np.nonzero(np.triu(both)), strict=True)
    )


def _caveats(fit: Fit, covariances: Covariances, before: Contests, used: Contests) -> list[str]:
    found = []
    dropped = len(before) - len(used)
    if dropped:
        found.append(f"{dropped} ties are left out.")
    if fit.model in (DAVIDSON, RAO_KUPPER) and fit.log_tie is None:
        found.append(NO_TIES)
    if covariances.df < 1:
        found.append(ONE_CLUSTER)
    elif covariances.df + 1 < FEW_CLUSTERS:
        found.append(f"There are fewer than {FEW_CLUSTERS} annotators or prompts: intervals are rough.")
    missing = sorted(set(before.arms) - set(used.arms))
    if missing:
        found.append(f"Without judgments and left out: {', '.join(missing)}.")
    return found
