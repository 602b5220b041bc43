"""The variance of a mean whose judgments are clustered twice: by annotator and by prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.records import Codes, Floats

SPARSE = 8
"""Codes up to so many times their number are counted instead of sorted."""


@dataclass(frozen=True, slots=True)
class Variances:
    """Variances of one mean under four assumptions; None where one cannot be estimated.

    ``two_way`` may be zero or negative in small or sparse data: it is a difference.
    """

    annotators: float | None
    prompts: float | None
    two_way: float | None
    independent: float | None

    def largest(self) -> tuple[str, float]:
        """Return the name and value of the largest; (``"none"``, 0) when nothing can be estimated."""
        named = {
            "two_way": self.two_way,
            "annotators": self.annotators,
            "prompts": self.prompts,
            "independent": self.independent,
        }
        known = {name: value for name, value in named.items() if value is not None}
        if not known:
            return "none", 0.0
        name = max(known, key=known.__getitem__)
        return name, known[name]


def count_clusters(codes: Codes) -> int:
    """Return how many different codes there are.

    >>> count_clusters(np.array([4, 4, 9]))
    2
    """
    return int(np.count_nonzero(np.bincount(codes)))


def numbered(codes: Codes) -> Codes:
    """Return the codes as 0 to G - 1 without gaps, in the same order; they may not be negative.

    >>> numbered(np.array([9, 4, 9])).tolist()
    [1, 0, 1]
    """
    if not len(codes):
        return codes
    if int(codes.max()) > SPARSE * len(codes):
        return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
    # Counting does without the sort where the codes leave few gaps, and without a copy where none.
    seen = np.bincount(codes) > 0
    return codes if seen.all() else np.asarray((np.cumsum(seen) - 1)[codes], dtype=np.int64)


def cells(annotator: Codes, prompt: Codes) -> Codes:
    """Return the code of each judgment's annotator and prompt taken together.

    >>> cells(np.array([0, 0, 2]), np.array([1, 1, 1])).tolist()
    [0, 0, 1]
    """
    width = int(prompt.max()) + 1 if len(prompt) else 1
    return numbered(annotator * width + prompt)


def cluster_variance(residuals: Floats, codes: Codes) -> float | None:
    """Return the variance of a mean when judgments with the same code are correlated.

    V = G/(G-1) * sum over clusters of (sum of its residuals)^2 / n^2.

    Parameters
    ----------
    residuals : (n,) array
        Values minus their mean.
    codes : (n,) array
        The cluster of each value.

    Returns
    -------
    float or None
        None with fewer than two clusters.

    References
    ----------
    Liang & Zeger (1986), Biometrika 73, 13-22, with the correction of Stata and of R's sandwich.

    Examples
    --------
    >>> cluster_variance(np.array([.5, .5, -.5, -.5]), np.array([0, 0, 1, 1]))
    0.25
    >>> cluster_variance(np.array([.5, -.5]), np.array([0, 0])) is None
    True
    """
    clusters = count_clusters(codes)
    if clusters < 2:  # noqa: PLR2004 - one cluster has no variance between clusters
        return None
    sums = np.bincount(codes, weights=residuals)
    return float(sums @ sums) / len(residuals) ** 2 * clusters / (clusters - 1)


def mean_variances(values: Floats, annotator: Codes, prompt: Codes) -> Variances:
    """Return the variance of the mean of ``values`` under each assumption.

    The two-way variance is V_A + V_P - V_AP, each with its own G/(G-1).

    Parameters
    ----------
    values : (n,) array
    annotator, prompt : (n,) arrays
        Cluster codes.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Business & Economic Statistics 29, 238-249.

    Examples
    --------
    >>> v = mean_variances(np.array([1., 0., 1., 0.]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    >>> v.annotators, v.prompts, round(v.independent, 4)
    (0.0, 0.25, 0.0833)
    """
    residuals = values - values.mean() if len(values) else values
    by_annotator = cluster_variance(residuals, annotator)
    by_prompt = cluster_variance(residuals, prompt)
    by_cell = cluster_variance(residuals, cells(annotator, prompt))
    two_way = None
    if by_annotator is not None and by_prompt is not None and by_cell is not None:
        two_way = by_annotator + by_prompt - by_cell
    independent = cluster_variance(residuals, np.arange(len(values)))
    return Variances(by_annotator, by_prompt, two_way, independent)
