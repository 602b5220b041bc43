"""What a Bayesian would say, approximately: a beta posterior as informed as the clustered interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scipy import stats

from studies.analysis.interval import Estimate
from studies.analysis.refusal import RefusalError

LABEL = "approximate: beta posterior on the effective sample size, uniform prior"
COUNTED_CLUSTERS = "All judgments agree; each cluster counts as one observation."


@dataclass(frozen=True, slots=True)
class Posterior:
    """A beta posterior of the win rate."""

    successes: float
    """Effective wins: win rate times effective number of judgments."""
    trials: float
    """Effective number of judgments."""
    mean: float
    low: float
    """Equal-tailed credible interval."""
    high: float
    p_above_half: float
    """Posterior probability that the candidate is preferred in more than half of all judgments."""
    margin: float | None
    p_equivalent: float | None
    """Posterior mass within 1/2 +- margin."""
    p_not_worse: float | None
    """Posterior mass above 1/2 - margin."""
    label: str
    caveats: tuple[str, ...]


def beta_posterior(
    successes: float, trials: float, *, margin: float | None = None, alpha: float = 0.05
) -> Posterior:
    """Return the posterior Beta(1 + s, 1 + n - s); s and n need not be whole.

    Raises
    ------
    RefusalError
        Not 0 <= s <= n.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd edition, section 2.4.

    Examples
    --------
    >>> posterior = beta_posterior(75, 100)
    >>> round(posterior.mean, 4), round(posterior.low, 4)
    (0.7451, 0.6567)
    """
    if not 0 <= successes <= trials:
        raise RefusalError(f"{successes:g} of {trials:g} is not a share.")
    belief = stats.beta(1 + successes, 1 + trials - successes)
    inside, not_worse = None, None
    if margin is not None:
        inside = float(belief.cdf(0.5 + margin) - belief.cdf(0.5 - margin))
        not_worse = float(belief.sf(0.5 - margin))
    return Posterior(
        successes=successes,
        trials=trials,
        mean=float(belief.mean()),
        low=float(belief.ppf(alpha / 2)),
        high=float(belief.isf(alpha / 2)),
        p_above_half=float(belief.sf(0.5)),
        margin=margin,
        p_equivalent=inside,
        p_not_worse=not_worse,
        label=LABEL,
        caveats=(),
    )


def posterior_of(estimate: Estimate, *, margin: float | None = None, alpha: float = 0.05) -> Posterior:
    """Return the posterior that is worth as many independent judgments as the clustered estimate.

    n_eff = m (1 - m) / V, the number of independent decided judgments whose mean has the clustered
    variance V; s_eff = m n_eff. Half credits enter through m and V only. When all judgments agree, V is
    zero and each cluster of the smaller kind counts as one judgment.

    Raises
    ------
    RefusalError
        There is no clustered standard error: no judgments, one annotator or one prompt.
    """
    if estimate.mean is None or estimate.se is None:
        raise RefusalError("Without a clustered interval there is no effective number of judgments.")
    constant = estimate.se == 0 or estimate.mean in {0.0, 1.0}
    if constant:
        trials = float(min(estimate.annotators, estimate.prompts))
    else:
        trials = estimate.mean * (1 - estimate.mean) / estimate.se**2
    found = beta_posterior(estimate.mean * trials, trials, margin=margin, alpha=alpha)
    return replace(found, caveats=(COUNTED_CLUSTERS,)) if constant else found
