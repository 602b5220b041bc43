"""The estimate that every share rests on: a mean with its two-way clustered interval and test."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.clusters import Variances, count_clusters, mean_variances
from studies.analysis.records import Codes, Floats

FEW_CLUSTERS = 6
"""Coverage was measured down to six clusters; below that the interval carries a caveat."""
METHOD_T = (
    "cluster-robust t by annotator and prompt: the largest of the two-way, one-way and independent "
    "variances; clipped to [0, 1]"
)
METHOD_EXACT = "exact on the smaller number of clusters, because the judgments do not vary"
METHOD_NONE = "none"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of values in [0, 1], with its interval and its test against one half.

    Everything but ``n``, ``method``, the clusters and the caveats is None where the data cannot say it.
    """

    n: int
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    se: float | None
    se_from: str | None
    """Which of the variances was the largest."""
    variances: Variances
    df: int | None
    statistic: float | None
    p_value: float | None
    method: str
    annotators: int
    prompts: int
    caveats: tuple[str, ...]

    @property
    def design_effect(self) -> float | None:
        """How many times larger the variance is than with independent judgments."""
        if not self.se or not self.variances.independent:
            return None
        return self.se**2 / self.variances.independent

    @property
    def effective_n(self) -> float | None:
        """How many independent judgments would say as much."""
        return self.n / self.design_effect if self.design_effect else None


@dataclass(frozen=True, slots=True)
class _Test:
    """The part of an `Estimate` that depends on which method applies."""

    ci_low: float | None = None
    ci_high: float | None = None
    se: float | None = None
    se_from: str | None = None
    df: int | None = None
    statistic: float | None = None
    p_value: float | None = None
    method: str = METHOD_NONE


def estimate_share(values: Floats, annotator: Codes, prompt: Codes, *, alpha: float) -> Estimate:
    """Estimate a mean of values in [0, 1] and test it against one half.

    Parameters
    ----------
    values : (n,) array
        Credits between 0 and 1; n may be 0.
    annotator, prompt : (n,) arrays
        Cluster codes.
    alpha : float
        The interval covers 1 - alpha.

    Notes
    -----
    The variance is the largest of V_A + V_P - V_AP, V_A, V_P and the independent one; the reference
    distribution is t with min(G_A, G_P) - 1 degrees of freedom. Assumes that annotators, and prompts,
    are independent draws. With one annotator or one prompt there is no interval over annotators and
    prompts, and none is given. When no value differs from another every variance is zero; then the
    bound is exact on clusters, see `constant_test`.

    Examples
    --------
    >>> annotator, prompt = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> e = estimate_share(np.array([1., 1., 0., 1.]), annotator, prompt, alpha=.05)
    >>> e.mean, e.df, e.se_from
    (0.75, 1, 'two_way')
    """
    groups = (count_clusters(annotator), count_clusters(prompt)) if len(values) else (0, 0)
    variances = mean_variances(values, annotator, prompt)
    mean = float(values.mean()) if len(values) else None
    if mean is None or min(groups) < 2:  # noqa: PLR2004 - one cluster has no variance between clusters
        test = _Test()
    elif np.ptp(values) == 0:
        test = constant_test(mean, min(groups), alpha)
    else:
        test = _t_test(mean, variances, min(groups) - 1, alpha)
    return Estimate(
        n=len(values),
        mean=mean,
        ci_low=test.ci_low,
        ci_high=test.ci_high,
        se=test.se,
        se_from=test.se_from,
        variances=variances,
        df=test.df,
        statistic=test.statistic,
        p_value=test.p_value,
        method=test.method,
        annotators=groups[0],
        prompts=groups[1],
        caveats=tuple(_caveats(test, groups, variances)),
    )


def _t_test(mean: float, variances: Variances, df: int, alpha: float) -> _Test:
    source, variance = variances.largest()
    se = sqrt(variance)
    reach = float(stats.t.isf(alpha / 2, df)) * se
    statistic = (mean - 0.5) / se
    p_value = float(2 * stats.t.sf(abs(statistic), df))
    low, high = max(0.0, mean - reach), min(1.0, mean + reach)
    return _Test(low, high, se, source, df, statistic, min(1.0, p_value), METHOD_T)


def constant_test(mean: float, clusters: int, alpha: float) -> _Test:
    """Bound a mean when all values are the same, counting each cluster as one observation.

    If a share u of all clusters differed, none of G would do so with probability (1 - u)^G; the bound is
    the u at which that is alpha / 2. For a mean of 1 or 0 it is Clopper and Pearson's with n = G, and the
    p-value is the exact sign test's with G signs; for a mean of 1/2 there is nothing to test.

    >>> test = constant_test(1.0, 10, 0.05)
    >>> round(test.ci_low, 4), test.ci_high, round(test.p_value, 6)
    (0.6915, 1.0, 0.001953)
    """
    share = 1 - (alpha / 2) ** (1 / clusters)
    p_value = 1.0 if mean == 0.5 else min(1.0, 2 * 0.5**clusters)  # noqa: PLR2004 - the null
    low, high = mean * (1 - share), mean * (1 - share) + share
    return _Test(low, min(1.0, high), 0.0, None, clusters - 1, None, p_value, METHOD_EXACT)


def _caveats(test: _Test, groups: tuple[int, int], variances: Variances) -> list[str]:
    found = []
    if groups == (0, 0):
        return ["There are no judgments to analyse."]
    for count, word in zip(groups, ("annotator", "prompt"), strict=True):
        if count == 1:
            found.append(f"There is only one {word}: no interval or test can speak for other {word}s.")
    if test.method == METHOD_EXACT:
        found.append("All judgments agree, so their variance is unknown; the interval counts clusters only.")
    if test.method == METHOD_T and variances.two_way is not None and variances.two_way <= 0:
        found.append("The two-way variance is not positive; the largest of the others is used.")
    if test.method != METHOD_NONE and min(groups) < FEW_CLUSTERS:
        found.append(
            f"Only {groups[0]} annotators and {groups[1]} prompts: below {FEW_CLUSTERS} clusters "
            "the interval's coverage has not been measured."
        )
    return found
