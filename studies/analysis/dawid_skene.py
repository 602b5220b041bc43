"""Dawid and Skene's latent classes: a diagnostic of annotators, never a corrected result.

A preference has no true answer. The model supposes one for each comparison and asks how well each
annotator would know it; somebody whose table of errors has equal rows answers without looking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.records import Codes, Floats
from studies.analysis.refusal import RefusalError

ITERATIONS = 1000
TOLERANCE = 1e-9
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


def maximise(posterior: Floats, table: Floats) -> tuple[Floats, Floats]:
    """Return prevalence (K,) and errors (A, K, K) that fit the posterior best.

    Parameters
    ----------
    posterior : (U, K) array
    table : (U, A, K) array
        How often each annotator gave each answer to each unit.

    Notes
    -----
    Where an annotator never met a class, the row of errors is even.
    """
    expected = np.einsum("uj,uak->ajk", posterior, table)
    sums = expected.sum(axis=2, keepdims=True)
    even = np.full_like(expected, 1 / expected.shape[2])
    return posterior.mean(axis=0), np.divide(expected, sums, out=even, where=sums > 0)


def expect(prevalence: Floats, errors: Floats, table: Floats) -> tuple[Floats, float]:
    """Return the posterior (U, K) and the log-likelihood: sum over units of log sum_j p_j prod e^n."""
    # An answer that was never given where it has no probability must not turn 0 log 0 into a NaN.
    logs = np.einsum("uak,ajk->uj", table, np.log(np.maximum(errors, TINY)))
    joint = logs + np.log(np.maximum(prevalence, TINY))
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
    table, names = _table(unit, annotator, answer)
    together = table.sum(axis=1)  # (U, K)
    posterior = together / together.sum(axis=1, keepdims=True)
    before = -np.inf
    for step in range(1, ITERATIONS + 1):  # noqa: B007 - the last step is reported
        prevalence, errors = maximise(posterior, table)
        posterior, log_likelihood = expect(prevalence, errors, table)
        if log_likelihood - before < TOLERANCE:
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


def _table(unit: Codes, annotator: Codes, answer: Codes) -> tuple[Floats, list[tuple[int, ...]]]:
    """Return counts (U, A, K) and the codes along each axis."""
    if not len(unit):
        raise RefusalError("There are no judgments to compare annotators by.")
    names, indexes = zip(
        *(np.unique(codes, return_inverse=True) for codes in (unit, annotator, answer)), strict=True
    )
    if len(names[2]) == 1:
        raise RefusalError("All judgments are the same answer: annotators cannot be told apart.")
    if np.bincount(indexes[0]).max() < 2:  # noqa: PLR2004 - an answer needs another to compare with
        raise RefusalError("No comparison was judged twice: annotators cannot be compared.")
    table = np.zeros([len(part) for part in names])
    np.add.at(table, indexes, 1)
    return table, [tuple(part.tolist()) for part in names]
