"""How carefully each annotator judged, without a true answer to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.agreement import rating_counts
from studies.analysis.multiplicity import holm
from studies.analysis.naive import clopper_pearson, sign_test
from studies.analysis.records import LOSS, SLOT_A, SLOT_UNKNOWN, WIN, Codes, Floats, Records
from studies.analysis.refusal import RefusalError

DRAWS = 2000
MANY = 200
"""Shared judgments of one annotator from which on the permutation null is taken as normal."""
FEW = 6
"""Decided judgments below which choosing one side only is no surprise (2 * 0.5^6 = .031)."""


@dataclass(frozen=True, slots=True)
class CheckRate:
    """How many attention checks were passed; interval and posterior are None without any check."""

    passed: int
    checks: int
    rate: float | None
    low: float | None
    """Clopper and Pearson's interval."""
    high: float | None
    posterior_mean: float | None
    """Of the beta posterior under a uniform prior."""
    posterior_low: float | None
    posterior_high: float | None
    p_below: float | None
    """Posterior probability that the pass rate is below the required one."""
    required: float


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """One annotator's agreement with the others on the same comparisons."""

    annotator: int
    comparisons: int
    """Judgments on comparisons that somebody else judged too."""
    agreement: float
    """Mean share of the others who gave the same answer."""
    expected: float
    """The same when this annotator's answers are dealt to the comparisons at random."""
    excess: float
    p_value: float
    """Of agreeing no more than such a deal: (1 + draws at least as high) / (1 + draws)."""
    method: str
    """``permutation``, or ``normal`` with the null's exact variance when the judgments are many."""


@dataclass(frozen=True, slots=True)
class SideOnly:
    """How one annotator's decided judgments are spread over the slots."""

    annotator: int
    decided: int
    chose_a: int
    p_value: float
    """Two-sided exact test of 1/2."""
    p_holm: float
    """Corrected for all annotators of the table."""
    one_side_only: bool
    """Every decided judgment chose the same slot, in six judgments or more."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """Answers to comparisons that were shown again with the slots exchanged; rates None without any."""

    repeats: int
    same: int
    """Repeats answered alike."""
    flipped: int
    """Repeats in which the other arm was preferred: the slot stayed, the response changed."""
    rate: float | None
    low: float | None
    """Clopper and Pearson's interval of ``rate``."""
    high: float | None
    chance: float | None
    """Expected ``rate`` if the second answers were dealt at random."""


def check_rate(passed: int, checks: int, *, required: float = 0.5, alpha: float = 0.05) -> CheckRate:
    """Return the share of attention checks passed, with an exact interval and a posterior.

    Parameters
    ----------
    passed, checks : int
    required : float
        The pass rate that a careful annotator exceeds; ``p_below`` refers to it.
    alpha : float
        Interval and posterior cover 1 - alpha.

    Raises
    ------
    RefusalError
        More checks passed than shown.

    Notes
    -----
    Posterior Beta(1 + passed, 1 + failed), from a uniform prior; checks are taken as independent.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    >>> rate = check_rate(3, 4)
    >>> rate.rate, round(rate.posterior_mean, 4), round(rate.p_below, 4)
    (0.75, 0.6667, 0.1875)
    """
    if not 0 <= passed <= checks:
        raise RefusalError(f"{passed} of {checks} attention checks passed is not a count.")
    if not checks:
        return CheckRate(0, 0, None, None, None, None, None, None, None, required)
    posterior = stats.beta(1 + passed, 1 + checks - passed)
    low, high = clopper_pearson(passed, checks, alpha=alpha)
    return CheckRate(
        passed=passed,
        checks=checks,
        rate=passed / checks,
        low=low,
        high=high,
        posterior_mean=float(posterior.mean()),
        posterior_low=float(posterior.ppf(alpha / 2)),
        posterior_high=float(posterior.isf(alpha / 2)),
        p_below=float(posterior.cdf(required)),
        required=required,
    )


def others_shares(counts: Floats, rows: Codes, columns: Codes) -> Floats:
    """Return, for each judgment, the share of the others on its comparison that gave each answer.

    Parameters
    ----------
    counts : (U, C) array
        Answers of everybody.
    rows, columns : (n,) arrays
        Comparison and answer of each judgment of one annotator.

    Returns
    -------
    (n, C) array
        Each row is (n_uc - [own answer is c]) / (n_u - 1).

    Examples
    --------
    >>> others_shares(np.array([[2., 1.]]), np.array([0]), np.array([1])).tolist()
    [[1.0, 0.0]]
    """
    others = counts[rows].copy()
    others[np.arange(len(rows)), columns] -= 1
    return np.asarray(others / others.sum(axis=1, keepdims=True), dtype=np.float64)


def leave_one_out(records: Records, *, rng: np.random.Generator, draws: int = DRAWS) -> list[LeaveOneOut]:
    """Return each annotator's agreement with the others, against its permutation null.

    The null keeps an annotator's own mix of answers and deals it to the same comparisons at random, so
    somebody who always answers alike agrees exactly as expected, however common the answer is.

    Parameters
    ----------
    records
        Judgments; those on comparisons that nobody else judged do not count.
    rng
        Of the permutations.
    draws : int
        Permutations per annotator; above 200 shared judgments the null is normal, with exact variance.

    Returns
    -------
    list of LeaveOneOut
        In ascending order of annotator; annotators without a shared comparison are left out.

    Notes
    -----
    Assumes one judgment per annotator and comparison, and that a careful annotator's answers are related
    to the responses as the others' are. Low agreement may also be a minority taste.

    References
    ----------
    Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9, 39.
    """
    if not len(records):
        return []
    counts = rating_counts(records.comparison, records.outcome)
    _, rows = np.unique(records.comparison, return_inverse=True)
    _, columns = np.unique(records.outcome, return_inverse=True)
    shared = np.flatnonzero(counts.sum(axis=1)[rows] > 1)
    if not len(shared):
        return []
    by_annotator = shared[np.argsort(records.annotator[shared], kind="stable")]
    starts = np.flatnonzero(np.diff(records.annotator[by_annotator])) + 1
    found = []
    for own in np.split(by_annotator, starts):
        shares = others_shares(counts, rows[own], columns[own])
        found.append(_against_null(int(records.annotator[own[0]]), shares, columns[own], rng, draws))
    return found


def null_variance(shares: Floats, answers: Codes) -> float:
    """Return the variance of mean agreement when the answers are dealt at random.

    sum_ij d_ij^2 / (n^2 (n - 1)), d being the shares of each judgment's comparison for each answer,
    centred by row and by column.

    Parameters
    ----------
    shares : (n, C) array
    answers : (n,) array, n of two or more

    References
    ----------
    Hoeffding (1951), Annals of Mathematical Statistics 22, 558-566.

    Examples
    --------
    >>> null_variance(np.array([[1., 0.], [0., 1.]]), np.array([0, 1]))
    0.25
    """
    n = len(answers)
    times = np.bincount(answers, minlength=shares.shape[1])  # (C,)
    rows, columns = shares @ times / n, shares.mean(axis=0)
    centred = shares - rows[:, None] - columns + float(columns @ times) / n
    return float((centred**2).sum(axis=0) @ times) / (n**2 * (n - 1))


def _against_null(
    annotator: int, shares: Floats, answers: Codes, rng: np.random.Generator, draws: int
) -> LeaveOneOut:
    index = np.arange(len(answers))
    observed = float(shares[index, answers].mean())
    expected = float(shares.mean(axis=0)[answers].mean())
    if len(answers) > MANY:
        sd, method = sqrt(null_variance(shares, answers)), "normal"
        p_value = float(stats.norm.sf((observed - expected) / sd)) if sd > 0 else 1.0
    else:
        dealt, method = rng.permuted(np.tile(answers, (draws, 1)), axis=1), "permutation"  # (draws, n)
        null = shares[index, dealt].mean(axis=1)
        # A deal that equals the observed agreement up to rounding is at least as high.
        p_value = (1 + int(np.count_nonzero(null >= observed - 1e-12))) / (1 + draws)
    return LeaveOneOut(annotator, len(answers), observed, expected, observed - expected, p_value, method)


def side_only(records: Records) -> list[SideOnly]:
    """Return how each annotator's decided judgments are spread over slots A and B.

    Judgments whose slot is unknown, and ties, do not count. The p-values take an annotator's judgments as
    independent, which they are when slots are dealt at random and only the slot is followed.

    References
    ----------
    Holm (1979), Scandinavian J. Statistics 6, 65-70, over all annotators listed.
    """
    known = records.where(records.decided & (records.candidate_slot != SLOT_UNKNOWN))
    if not len(known):
        return []
    chose_a = (known.outcome == WIN) == (known.candidate_slot == SLOT_A)
    names, codes = np.unique(known.annotator, return_inverse=True)
    totals = np.bincount(codes).tolist()
    in_a = np.bincount(codes, weights=chose_a).astype(np.int64).tolist()
    p_values = [sign_test(a, total - a) for a, total in zip(in_a, totals, strict=True)]
    adjusted = holm(p_values)
    return [
        SideOnly(name, total, a, p, 1.0 if p_holm is None else p_holm, total >= FEW and a in {0, total})
        for name, total, a, p, p_holm in zip(names.tolist(), totals, in_a, p_values, adjusted, strict=True)
    ]


def self_consistency(first: Codes, again: Codes, *, alpha: float = 0.05) -> Consistency:
    """Return how often a comparison shown again with exchanged slots was answered alike.

    Parameters
    ----------
    first, again : (n,) arrays
        Outcomes in the arm frame, in the same order; n may be 0.
    alpha : float
        The interval covers 1 - alpha.

    Raises
    ------
    RefusalError
        The arrays differ in length.

    Examples
    --------
    >>> result = self_consistency(np.array([3, 3, 1, 0]), np.array([3, 0, 1, 0]))
    >>> result.same, result.flipped, result.rate
    (3, 1, 0.75)
    """
    if len(first) != len(again):
        raise RefusalError("Each repeat needs the first answer to the same comparison.")
    if not len(first):
        return Consistency(0, 0, 0, None, None, None, None)
    same = int(np.count_nonzero(first == again))
    decided = np.isin(first, (WIN, LOSS)) & np.isin(again, (WIN, LOSS))
    low, high = clopper_pearson(same, len(first), alpha=alpha)
    width = int(max(first.max(), again.max())) + 1
    shares = [np.bincount(answers, minlength=width) / len(first) for answers in (first, again)]
    return Consistency(
        repeats=len(first),
        same=same,
        flipped=int(np.count_nonzero(decided & (first != again))),
        rate=same / len(first),
        low=low,
        high=high,
        chance=float(shares[0] @ shares[1]),
    )
