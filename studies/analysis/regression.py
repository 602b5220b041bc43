"""Preference given side, length and order: one logit with two-way clustered errors.

Length is one of the ways in which guidance acts, so a win rate at equal length is a sensitivity and not the
truth about guidance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from studies.analysis.clusters import count_clusters
from studies.analysis.covariance import Contrast, Covariances, contrast_of, two_way_covariances
from studies.analysis.records import SLOT_A, SLOT_UNKNOWN, Codes, Floats, Records
from studies.analysis.refusal import RefusalError

CANDIDATE, SIDE, LENGTH, ORDER = "candidate", "side", "length", "order"
STEPS = 50
FAR = 20.0
"""Log-odds beyond which an estimate is taken for infinite."""
TOLERANCE = 1e-10
EDGE = 1e-9
SEPARATED = "The terms separate wins from losses perfectly, so that their effects are unbounded."


@dataclass(frozen=True, slots=True, eq=False)
class Logit:
    """Coefficients on the log-odds scale with two-way clustered intervals.

    The first coefficient is the intercept, called ``candidate``: the candidate's log-odds where every other
    term is 0.
    """

    n: int
    names: tuple[str, ...]
    coefficients: tuple[Contrast, ...]
    beta: Floats
    covariances: Covariances
    df: int
    alpha: float
    caveats: tuple[str, ...]

    def of(self, name: str) -> Contrast | None:
        """Return one coefficient; None when its term was left out."""
        return self.coefficients[self.names.index(name)] if name in self.names else None


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted win rate with its interval, which is the log-odds' carried through; None without one."""

    win_rate: float
    se: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The win rate at equal length, on both sides equally, and what side, length and order do to it."""

    n: int
    annotators: int
    prompts: int
    df: int
    intercept: Contrast
    side: Contrast | None
    """Log-odds that the candidate gains in slot A against slot B; None when the term was left out."""
    length: Contrast | None
    """Log-odds per unit of tanh(length difference / sd)."""
    length_sd: float | None
    """Standard deviation of the length differences, the unit inside tanh."""
    order: Contrast | None
    """Log-odds per standard deviation of the presentation order."""
    equal_length: Prediction | None
    """Win rate where both responses are equally long, with sides balanced; None without lengths."""
    side_standardised: Prediction | None
    """Mean over the judgments of the win rates in slot A and in slot B; None without sides."""
    share_prefer_longer: float | None
    """Credit of the longer response among judgments whose responses differ in length."""
    ties_rule: str
    caveats: tuple[str, ...]


def length_term(candidate: Floats, baseline: Floats) -> tuple[Floats, float]:
    """Return tanh(difference / sd), (n,), and sd, the standard deviation of the differences (n - 1).

    References
    ----------
    Dubois, Galambosi, Liang & Hashimoto (2024), Length-controlled AlpacaEval.

    Examples
    --------
    >>> term, sd = length_term(np.array([10., 20.]), np.array([20., 10.]))
    >>> term.round(4).tolist(), round(sd, 4)
    ([-0.6089, 0.6089], 14.1421)
    """
    difference = candidate - baseline
    sd = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    return np.tanh(difference / sd) if sd > 0 else np.zeros(len(difference)), sd


def cluster_logit(
    credit: Floats, terms: Mapping[str, Floats], annotator: Codes, prompt: Codes, *, alpha: float = 0.05
) -> Logit:
    """Fit logit P(candidate preferred) = intercept + terms, with the headline's clustered errors.

    Parameters
    ----------
    credit : (n,) array
        1, 0, or 1/2 for a tie that counts half: then it is a quasi-likelihood.
    terms
        Further columns, (n,) each, by name. A constant one is left out, and said.
    annotator, prompt : (n,) arrays
        Cluster codes.

    Notes
    -----
    Each standard error is from the largest of the two-way, one-way and independent sandwich, and t has
    min(G_A, G_P) - 1 degrees of freedom.

    Raises
    ------
    RefusalError
        No judgments, unanimity, separation, or terms that cannot be told apart.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Business & Economic Statistics 29, 238-249. McCullagh & Nelder
    (1989), Generalized Linear Models, chapter 4.

    Examples
    --------
    >>> fit = cluster_logit(np.array([1., 1., 1., 0.]), {}, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    >>> fit.beta.round(6).tolist()  # log(3)
    [1.098612]
    """
    if not len(credit):
        raise RefusalError("There are no judgments to analyse.")
    varied = {name: column for name, column in terms.items() if np.ptp(column) > 0}
    design = np.column_stack([np.ones(len(credit)), *varied.values()])  # (n, k)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise RefusalError(f"The terms {', '.join(varied)} cannot be told apart in these judgments.")
    beta, bread = maximise(design, credit)
    scores = design * (credit - expit(design @ beta))[:, None]
    covariances = two_way_covariances(scores, bread, annotator, prompt)
    units = np.eye(len(beta))
    return Logit(
        n=len(credit),
        names=(CANDIDATE, *varied),
        coefficients=tuple(
            contrast_of(float(value), covariances, unit, alpha=alpha)
            for value, unit in zip(beta, units, strict=True)
        ),
        beta=beta,
        covariances=covariances,
        df=covariances.df,
        alpha=alpha,
        caveats=tuple(_caveats(set(terms) - set(varied), covariances.df)),
    )


def maximise(design: Floats, credit: Floats) -> tuple[Floats, Floats]:
    """Return the coefficients (k,) and inverse information (k, k) of a logit, by Newton's method.

    Raises
    ------
    RefusalError
        If the maximum is not finite.
    """
    if credit.min() == credit.max() and credit[0] in (0, 1):
        raise RefusalError("All judgments prefer the same arm, so that the log-odds are unbounded.")
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        share = expit(design @ beta)
        information = design.T @ (design * (share * (1 - share))[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (credit - share))
        except np.linalg.LinAlgError:
            break
        beta = beta + step
        if not np.all(np.isfinite(beta)) or np.max(np.abs(design @ beta)) > FAR:
            break
        if np.max(np.abs(step)) < TOLERANCE:
            return beta, np.linalg.inv(information)
    raise RefusalError(SEPARATED)


def _caveats(left_out: set[str], df: int) -> list[str]:
    found = [f"The term {name!r} does not vary and is left out." for name in sorted(left_out)]
    if df < 1:
        found.append("With one annotator or one prompt there is no interval over annotators and prompts.")
    return found


def predict(fit: Logit, points: Floats) -> Prediction:
    """Return the mean win rate over rows of the design.

    Parameters
    ----------
    points : (m, k) array
        Rows of terms, the first of which is 1.

    Notes
    -----
    The standard error is the delta method's; the interval is made on the logit scale, so that it stays
    within (0, 1).
    """
    shares = expit(points @ fit.beta)
    mean = float(shares.mean())
    gradient = (shares * (1 - shares)) @ points / len(points)  # (k,)
    slope = mean * (1 - mean)
    if fit.df < 1 or slope < EDGE:
        return Prediction(mean, None, None, None)
    _, variance = fit.covariances.variances(gradient).largest()
    se = sqrt(max(0.0, variance))
    reach = float(stats.t.isf(fit.alpha / 2, fit.df)) * se / slope
    centre = float(logit(mean))
    return Prediction(mean, se, float(expit(centre - reach)), float(expit(centre + reach)))


def adjusted_win_rate(
    records: Records,
    *,
    lengths: tuple[Floats, Floats] | None = None,
    order: Floats | None = None,
    drop_ties: bool = True,
    alpha: float = 0.05,
) -> Adjusted:
    """Return the win rate at equal length and on both sides equally.

    Parameters
    ----------
    records
        Judgments of one criterion and one pair of arms.
    lengths : two (n,) arrays, optional
        Lengths of the candidate's and of the baseline's response, in any unit.
    order : (n,) array, optional
        How many judgments the annotator had made before.
    drop_ties
        Leave ties out, or count them half.

    Notes
    -----
    side is +1/2 in slot A and -1/2 in slot B, so that the intercept is midway; length is
    tanh(difference / sd); order is centred and in standard deviations. The side-standardised win rate is the
    mean of all judgments' predictions in A and in B, everything else as it was.

    Raises
    ------
    RefusalError
        As `cluster_logit`.
    """
    keep = records.decided if drop_ties else np.ones(len(records), dtype=np.bool_)
    used = records.where(keep)
    if not len(used):
        raise RefusalError("There are no decided judgments to analyse." if drop_ties else "No judgments.")
    terms, length_sd, share_longer = {}, None, None
    if not np.any(used.candidate_slot == SLOT_UNKNOWN):
        terms[SIDE] = np.where(used.candidate_slot == SLOT_A, 0.5, -0.5)
    if lengths is not None:
        candidate, baseline = (np.asarray(column, dtype=np.float64)[keep] for column in lengths)
        terms[LENGTH], length_sd = length_term(candidate, baseline)
        share_longer = prefer_longer(used.credit, candidate - baseline)
    if order is not None:
        terms[ORDER] = _standardised(np.asarray(order, dtype=np.float64)[keep])
    fit = cluster_logit(used.credit, terms, used.annotator, used.prompt, alpha=alpha)
    return Adjusted(
        n=fit.n,
        annotators=count_clusters(used.annotator),
        prompts=count_clusters(used.prompt),
        df=fit.df,
        intercept=fit.coefficients[0],
        side=fit.of(SIDE),
        length=fit.of(LENGTH),
        length_sd=length_sd,
        order=fit.of(ORDER),
        equal_length=_equal_length(fit),
        side_standardised=_side_standardised(fit, terms),
        share_prefer_longer=share_longer,
        ties_rule="drop" if drop_ties else "half",
        caveats=fit.caveats,
    )


def prefer_longer(credit: Floats, difference: Floats) -> float | None:
    """Return the credit of the longer response; None when no responses differ in length.

    >>> prefer_longer(np.array([1., 0., 1.]), np.array([5., -3., 0.]))
    1.0
    """
    differ = difference != 0
    if not np.any(differ):
        return None
    return float(np.mean(np.where(difference > 0, credit, 1 - credit)[differ]))


def _standardised(values: Floats) -> Floats:
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return np.asarray((values - values.mean()) / sd) if sd > 0 else np.zeros(len(values))


def _equal_length(fit: Logit) -> Prediction | None:
    if LENGTH not in fit.names:
        return None
    point = np.zeros(len(fit.names))
    point[0] = 1
    return predict(fit, point[np.newaxis, :])


def _side_standardised(fit: Logit, terms: Mapping[str, Floats]) -> Prediction | None:
    if SIDE not in fit.names:
        return None
    n = fit.n
    points = np.column_stack([np.ones(n), *(terms[name] for name in fit.names[1:])])
    in_a, in_b = points.copy(), points.copy()
    side = fit.names.index(SIDE)
    in_a[:, side], in_b[:, side] = 0.5, -0.5
    return predict(fit, np.concatenate([in_a, in_b]))
