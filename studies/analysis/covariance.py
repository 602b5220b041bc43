"""Covariances of several estimates whose judgments are clustered by annotator and by prompt.

The mean of one column of values has its own, simpler `clusters.mean_variances`; the formulas are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy import sparse, stats

from studies.analysis.clusters import Variances, cells, count_clusters
from studies.analysis.records import Codes, Floats

DENSE_SUMS = 2**24
"""Sums of sparse scores that are held as a full array: 128 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Covariances:
    """Covariance matrices (k, k) of the same k estimates; None where there are too few clusters.

    ``two_way`` is a difference and may not be positive semi-definite.
    """

    annotators: Floats | None
    prompts: Floats | None
    two_way: Floats | None
    independent: Floats | None
    df: int
    """min(G_annotators, G_prompts) - 1, of the t distribution."""

    def variances(self, contrast: Floats) -> Variances:
        """Return the variance of c'b under each assumption."""
        parts = (self.annotators, self.prompts, self.two_way, self.independent)
        return Variances(*(None if part is None else float(contrast @ part @ contrast) for part in parts))


@dataclass(frozen=True, slots=True)
class Contrast:
    """A linear combination of estimates with its interval and its test against zero.

    All but ``estimate`` is None where the data cannot say it.
    """

    estimate: float
    se: float | None
    se_from: str | None
    """Which of the variances was the largest."""
    ci_low: float | None
    ci_high: float | None
    statistic: float | None
    p_value: float | None


def cluster_sums(scores: Any, codes: Codes) -> Any:
    """Return the sum of the scores of each cluster.

    Parameters
    ----------
    scores : (n, k) array or CSR array
    codes : (n,) array

    Returns
    -------
    (G, k) array
        Sparse when the scores are and the sums would fill too much memory.

    Examples
    --------
    >>> cluster_sums(np.array([[1., 2.], [3., 4.], [5., 6.]]), np.array([0, 1, 0])).tolist()
    [[6.0, 8.0], [3.0, 4.0]]
    """
    n, width = scores.shape
    clusters = int(codes.max()) + 1 if n else 0
    if sparse.issparse(scores) and clusters * width <= DENSE_SUMS:
        flat = np.repeat(codes, np.diff(scores.indptr)) * width + scores.indices
        sums = np.bincount(flat, weights=scores.data, minlength=clusters * width)
        return sums.reshape(clusters, width)
    members = sparse.csc_array(
        (np.ones(n), codes.astype(np.int32), np.arange(n + 1, dtype=np.int32)), (clusters, n)
    )
    return members.tocsr() @ scores


def meat(sums: Any) -> Floats:
    """Return S'S, the sum over clusters of the outer products of their score sums (G, k), dense."""
    product = sums.T @ sums
    return np.asarray(product.toarray() if sparse.issparse(product) else product, dtype=np.float64)


def two_way_covariances(scores: Any, bread: Floats, annotator: Codes, prompt: Codes) -> Covariances:
    """Return the sandwich B (S'S) B' G/(G-1) under each assumption.

    The two-way matrix is V_A + V_P - V_AP, each with its own G/(G-1).

    Parameters
    ----------
    scores : (n, k) array or CSR array
        Derivatives of the log-likelihood with respect to k parameters, by judgment.
    bread : (k, k) array
        The inverse information.
    annotator, prompt : (n,) arrays
        Cluster codes.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Business & Economic Statistics 29, 238-249.
    """
    parts = (annotator, prompt, cells(annotator, prompt))
    by_annotator, by_prompt, by_cell = (_sandwich(cluster_sums(scores, part), bread, part) for part in parts)
    two_way = None
    if by_annotator is not None and by_prompt is not None and by_cell is not None:
        two_way = by_annotator + by_prompt - by_cell
    n = len(annotator)
    independent = bread @ meat(scores) @ bread.T * n / (n - 1) if n > 1 else None
    df = max(0, min(count_clusters(annotator), count_clusters(prompt)) - 1)
    return Covariances(by_annotator, by_prompt, two_way, independent, df)


def _sandwich(sums: Any, bread: Floats, codes: Codes) -> Floats | None:
    clusters = count_clusters(codes)
    if clusters < 2:  # noqa: PLR2004 - one cluster has no variance between clusters
        return None
    return bread @ meat(sums) @ bread.T * clusters / (clusters - 1)


def contrast_of(estimate: float, covariances: Covariances, contrast: Floats, *, alpha: float) -> Contrast:
    """Return the interval and test of c'b by the headline's rule: the largest variance, t with ``df``.

    Without two annotators and two prompts there is no interval over annotators and prompts.
    """
    if covariances.df < 1:
        return Contrast(estimate, None, None, None, None, None, None)
    source, variance = covariances.variances(contrast).largest()
    if variance <= 0:
        return Contrast(estimate, None, None, None, None, None, None)
    se = sqrt(variance)
    reach = float(stats.t.isf(alpha / 2, covariances.df)) * se
    p_value = min(1.0, float(2 * stats.t.sf(abs(estimate / se), covariances.df)))
    return Contrast(estimate, se, source, estimate - reach, estimate + reach, estimate / se, p_value)


def nearest_correlation(covariance: Floats) -> Floats:
    """Return the correlations of a covariance matrix, with negative eigenvalues set to zero.

    Parameters
    ----------
    covariance : (k, k) array
        Symmetric; a two-way matrix need not be positive semi-definite.

    Notes
    -----
    A variance that is zero leaves its estimate uncorrelated with the others.

    References
    ----------
    Cameron, Gelbach & Miller (2011), section 2.3.

    Examples
    --------
    >>> nearest_correlation(np.array([[4., 1.], [1., 1.]])).round(3).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    scale = np.sqrt(np.maximum(np.diag(repaired), 0))
    alive = scale > 1e-12 * max(1e-300, float(scale.max(initial=0)))
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=alive)
    correlation = repaired * inverse[:, None] * inverse[None, :]
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)
