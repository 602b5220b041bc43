"""Graded preferences: signed scores, positive where the candidate is preferred, zero for a tie."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.clusters import Variances, count_clusters, mean_variances
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

DISCARD, PRATT = "wilcox", "pratt"
ZERO_METHODS = (DISCARD, PRATT)
"""Zeros are left out before ranking, or ranked and then left out."""
EXACT_LIMIT = 50
"""Differences up to which, without ties and zeros, the exact distribution is used."""
ALL_ALIKE = "All scores are the same: their variance is unknown, and there is no interval."


@dataclass(frozen=True, slots=True)
class ScoreMean:
    """Mean score with its clustered t interval; None where there is none."""

    n: int
    mean: float | None
    se: float | None
    se_from: str | None
    """Which of the variances was the largest."""
    ci_low: float | None
    ci_high: float | None
    df: int | None
    statistic: float | None
    p_value: float | None
    """Of the test against zero."""
    variances: Variances
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Wilcoxon's signed-rank test of annotators' mean scores."""

    annotators: int
    zeros: int
    """Annotators whose mean is exactly zero."""
    zero_method: str
    method: str
    """``exact`` or ``normal``, the latter without continuity correction."""
    statistic: float
    """V: the sum of the ranks of positive means."""
    p_value: float
    caveats: tuple[str, ...]


def mean_score(scores: Floats, annotator: Codes, prompt: Codes, *, alpha: float = 0.05) -> ScoreMean:
    """Estimate the mean signed score and test it against zero, clustered by annotator and prompt.

    Parameters
    ----------
    scores : (n,) array
        Symmetric around 0, in steps of the scale; n may be 0.
    annotator, prompt : (n,) arrays
        Cluster codes.
    alpha : float
        The interval covers 1 - alpha.

    Raises
    ------
    RefusalError
        A score is not a finite number.

    Notes
    -----
    The variance and its t are the headline's: the largest of V_A + V_P - V_AP, V_A, V_P and the
    independent one, with min(G_A, G_P) - 1 degrees of freedom. Treats the steps of the scale as equal;
    `ordinal.symmetric_location` does not.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Business & Economic Statistics 29, 238-249.

    Examples
    --------
    >>> a, p = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> result = mean_score(np.array([2., 1., 0., 1.]), a, p)
    >>> result.mean, result.df
    (1.0, 1)
    """
    if not np.all(np.isfinite(scores)):
        raise RefusalError("A score is not a number.")
    variances = mean_variances(scores, annotator, prompt)
    mean = float(scores.mean()) if len(scores) else None
    groups = (count_clusters(annotator), count_clusters(prompt)) if len(scores) else (0, 0)
    reason = _no_interval(scores, groups)
    if mean is None or reason:
        return ScoreMean(len(scores), mean, *(None,) * 7, variances=variances, caveats=(reason,))
    source, variance = variances.largest()
    se, df = sqrt(variance), min(groups) - 1
    reach = float(stats.t.isf(alpha / 2, df)) * se
    return ScoreMean(
        n=len(scores),
        mean=mean,
        se=se,
        se_from=source,
        ci_low=mean - reach,
        ci_high=mean + reach,
        df=df,
        statistic=mean / se,
        p_value=float(2 * stats.t.sf(abs(mean / se), df)),
        variances=variances,
        caveats=(),
    )


def _no_interval(scores: Floats, groups: tuple[int, int]) -> str:
    """Return why there is no interval; empty when there is one."""
    if not len(scores):
        return "There are no scores to analyse."
    for count, word in zip(groups, ("annotator", "prompt"), strict=True):
        if count == 1:
            return f"There is only one {word}: no interval or test can speak for other {word}s."
    return ALL_ALIKE if np.ptp(scores) == 0 else ""


def score_means(scores: Floats, annotator: Codes) -> Floats:
    """Return each annotator's mean score, in ascending order of code.

    >>> score_means(np.array([2., 0., -1.]), np.array([4, 4, 1])).tolist()
    [-1.0, 1.0]
    """
    _, index = np.unique(annotator, return_inverse=True)
    return np.asarray(np.bincount(index, weights=scores) / np.bincount(index), dtype=np.float64)


def signed_rank(
    differences: Floats, *, zero_method: str = PRATT, alternative: str = "two-sided"
) -> SignedRank:
    """Return Wilcoxon's signed-rank test of independent differences: the annotators' mean scores.

    Parameters
    ----------
    differences : (g,) array
        One per annotator: `score_means`. Single judgments would be correlated.
    zero_method
        `PRATT` ranks zeros and then leaves them out; `DISCARD` leaves them out first. It is recorded,
        because with many ties the two differ.
    alternative
        ``two-sided``, ``greater`` or ``less``.

    Returns
    -------
    SignedRank
        Exact up to 50 differences without ties and zeros, otherwise normal with the variance corrected
        for ties. All zeros give a p-value of 1.

    Raises
    ------
    RefusalError
        No differences, or an unknown zero method.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; Pratt (1959), J. American Statistical Association 54,
    655-667.

    Examples
    --------
    >>> result = signed_rank(np.array([1., 2., 3., -4., 5.]))
    >>> result.statistic, result.method, result.p_value
    (11.0, 'exact', 0.4375)
    """
    if not len(differences):
        raise RefusalError("There are no annotators to rank.")
    if zero_method not in ZERO_METHODS:
        raise RefusalError(f"Unknown zero method {zero_method!r}; known are {', '.join(ZERO_METHODS)}.")
    zeros = int(np.count_nonzero(differences == 0))
    if zeros == len(differences):
        return SignedRank(zeros, zeros, zero_method, "exact", 0.0, 1.0, ("All annotators' means are zero.",))
    distinct = len(np.unique(np.abs(differences))) == len(differences)
    method = "exact" if distinct and not zeros and len(differences) <= EXACT_LIMIT else "normal"
    p_value = _rank_p(differences, zero_method, alternative, method)
    caveats = ("Few annotators: the normal approximation is rough.",) if _rough(differences, method) else ()
    return SignedRank(
        len(differences), zeros, zero_method, method, rank_sum(differences, zero_method), p_value, caveats
    )


def _rough(differences: Floats, method: str) -> bool:
    return method == "normal" and int(np.count_nonzero(differences)) < 10  # noqa: PLR2004 - the usual limit


def _rank_p(differences: Floats, zero_method: str, alternative: str, method: str) -> float:
    with warnings.catch_warnings():
        # A caveat says that the sample is small; the warning would say so a second time.
        warnings.simplefilter("ignore", UserWarning)
        result = stats.wilcoxon(
            differences,
            zero_method=zero_method,
            correction=False,
            alternative=alternative,
            method="exact" if method == "exact" else "asymptotic",
        )
    return float(min(1.0, result.pvalue))


def rank_sum(differences: Floats, zero_method: str = DISCARD) -> float:
    """Return V, the sum of the ranks of positive differences among all absolute values.

    >>> rank_sum(np.array([1., -2., 3.]))
    4.0
    """
    kept = differences[differences != 0] if zero_method == DISCARD else differences
    return float(stats.rankdata(np.abs(kept))[kept > 0].sum())
