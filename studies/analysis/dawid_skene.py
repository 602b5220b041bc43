"""Dawid and Skene's latent classes: a diagnostic of annotators, never a corrected result.

A preference has no true answer. The model supposes one for each comparison and asks how well each
annotator would know it; somebody whose table of errors has equal rows answers without looking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.agreement import rating_counts
from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

ITERATIONS = 300
TOLERANCE = 1e-9
"""Relative growth of the log-likelihood at which EM stops."""
TINY = 1e-300
NO_TRUTH = "A diagnostic only: a preference has no true answer."
UNFINISHED = f"The iterations were stopped after {ITERATIONS} steps."


@dataclass(frozen=True, slots=True, eq=False)
class LatentClasses:
    """A fitted model; arrays are in the order of the ascending codes."""

    categories: tuple[int, ...]
    annotators: tuple[int, ...]
    units: tuple[int, ...]
    prevalence: Floats
    """(K,) share of each supposed true answer."""
    errors: Floats
    """(A, K, K): how often each annotator answers column k where row j is supposed true."""
    posterior: Floats
    """(U, K): probability of each supposed true answer of each unit."""
    log_likelihood: float
    iterations: int
    caveats: tuple[str, ...]

    @property
    def accuracy(self) -> Floats:
        """Each annotator's chance (A,) of giving the supposed true answer: the diagonal, by prevalence."""
        return np.asarray(np.einsum("akk,k->a", self.errors, self.prevalence), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Ratings:
    """Ratings as consecutive codes, (n,) each, and how many units, annotators and answers there are."""

    unit: Codes
    annotator: Codes
    answer: Codes
    shape: tuple[int, int, int]


def maximise(posterior: Floats, ratings: _Ratings) -> tuple[Floats, Floats]:
    """Return prevalence (K,) and errors (A, K, K) that fit the posterior (U, K) best.

    Where an annotator never met a class, the row of errors is even.
    """
    _, annotators, answers = ratings.shape
    cell = ratings.annotator * answers + ratings.answer  # (n,)
    weights = posterior[ratings.unit]  # (n, K)
    sums = [np.bincount(cell, weights=column, minlength=annotators * answers) for column in weights.T]
    expected = np.stack(sums, axis=0).reshape(-1, annotators, answers).transpose(1, 0, 2)  # (A, K, K)
    totals = expected.sum(axis=2, keepdims=True)
    even = np.full(expected.shape, 1 / answers)
    return posterior.mean(axis=0), np.divide(expected, totals, out=even, where=totals > 0)


def expect(prevalence: Floats, errors: Floats, ratings: _Ratings) -> tuple[Floats, float]:
    """Return the posterior (U, K) and the log-likelihood: sum over units of log sum_j p_j prod e."""
    # An answer that has no probability must not turn into a NaN.
    each = np.log(np.maximum(errors, TINY))[ratings.annotator, :, ratings.answer]  # (n, K)
    logs = [np.bincount(ratings.unit, weights=column, minlength=ratings.shape[0]) for column in each.T]
    joint = np.stack(logs, axis=1) + np.log(np.maximum(prevalence, TINY))  # (U, K)
    top = joint.max(axis=1, keepdims=True)
    likelihood = np.exp(joint - top)
    total = likelihood.sum(axis=1, keepdims=True)
    return likelihood / total, float(np.sum(top + np.log(total)))


def dawid_skene(unit: Codes, annotator: Codes, answer: Codes) -> LatentClasses:
    """Fit latent classes by EM, from each unit's shares of answers.

    Parameters
    ----------
    unit, annotator, answer : (n,) arrays
        An annotator may answer the same unit more than once.

    Returns
    -------
    LatentClasses

    Raises
    ------
    RefusalError
        No ratings, one answer only, or no unit rated twice.

    Notes
    -----
    Answers to a unit are taken as independent given its class. EM finds a local maximum; the start is each
    unit's own shares, which keeps the classes in the order of the answers.

    References
    ----------
    Dawid & Skene (1979), Applied Statistics 28, 20-28.
    """
    ratings, names = _ratings(unit, annotator, answer)
    together = rating_counts(unit, answer)  # (U, K)
    posterior = together / together.sum(axis=1, keepdims=True)
    before = -np.inf
    for step in range(1, ITERATIONS + 1):  # noqa: B007 - the last step is reported
        prevalence, errors = maximise(posterior, ratings)
        posterior, log_likelihood = expect(prevalence, errors, ratings)
        if log_likelihood - before < TOLERANCE * (1 + abs(log_likelihood)):
            break
        before = log_likelihood
    caveats = (NO_TRUTH, UNFINISHED) if step == ITERATIONS else (NO_TRUTH,)
    return LatentClasses(
        categories=names[2],
        annotators=names[1],
        units=names[0],
        prevalence=prevalence,
        errors=errors,
        posterior=posterior,
        log_likelihood=log_likelihood,
        iterations=step,
        caveats=caveats,
    )


def _ratings(unit: Codes, annotator: Codes, answer: Codes) -> tuple[_Ratings, list[tuple[int, ...]]]:
    """Return consecutive codes, and the codes that were given for each kind."""
    if not len(unit):
        raise RefusalError("There are no judgments to compare annotators by.")
    units, rows = np.unique(unit, return_inverse=True)
    annotators, people = np.unique(annotator, return_inverse=True)
    answers, columns = np.unique(answer, return_inverse=True)
    if len(answers) == 1:
        raise RefusalError("All judgments are the same answer: annotators cannot be told apart.")
    if np.bincount(rows).max() < 2:  # noqa: PLR2004 - an answer needs another to compare with
        raise RefusalError("No comparison was judged twice: annotators cannot be compared.")
    shape = (len(units), len(annotators), len(answers))
    return _Ratings(rows, people, columns, shape), [
        tuple(part.tolist()) for part in (units, annotators, answers)
    ]
