"""The headline under every other rule that a reader could have wished for.

Tie rule, clustering and exclusions are crossed; exactly one row is what was planned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy import stats

from studies.analysis.absence import Absence, attempt
from studies.analysis.further import Models
from studies.analysis.interval import METHOD_T, Estimate, estimate_share
from studies.analysis.looks import Looks
from studies.analysis.records import Judgments, Records
from studies.analysis.resampling import bootstrap

LARGEST, TWO_WAY, ANNOTATORS, PROMPTS, INDEPENDENT = (
    "largest",
    "two_way",
    "annotators",
    "prompts",
    "independent",
)
CLUSTERINGS = (LARGEST, TWO_WAY, ANNOTATORS, PROMPTS, INDEPENDENT)
"""Which variance the interval rests on; the largest of the others is the rule of the headline."""
BOOTSTRAP = "bootstrap"
"""Annotators and prompts drawn anew, with replacement: an interval without a test."""
ALL_LOOKS = "all_looks"
"""The headline where the plan allowed looks: what holds over all of them."""
MIXED, SIDES, EQUAL_LENGTH = "glmm", "side_standardised", "equal_length"
"""Models of decided judgments: intervals without a test of their own."""
TIES = ("half", "drop")


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """The win rate under one combination of rules; None where it has no interval."""

    ties_rule: str
    clustering: str
    exclusions: bool
    """Whether excluded judgments are left out."""
    planned: bool
    n: int
    win_rate: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    """Two-sided against 1/2, not corrected: these rows decide nothing."""


def robustness(  # noqa: PLR0913 - the settings of one analysis
    judgments: Judgments,
    *,
    criterion: int,
    pair: int,
    ties: str,
    alpha: float,
    draws: int = 0,
    seed: int = 0,
) -> tuple[RobustnessRow, ...]:
    """Return the rows, the planned one first.

    Parameters
    ----------
    criterion, pair
        Which result, as numbers in ``judgments``.
    ties
        The planned tie rule.
    alpha
        Intervals cover 1 - alpha.
    draws, seed
        Of the two-way bootstrap of the planned win rate; 0 draws make none.
    """
    of_result = judgments.real & (judgments.criterion == criterion) & (judgments.pair == pair)
    kept = of_result & ~judgments.excluded
    samples = [(True, judgments.records.where(kept))]
    if np.count_nonzero(kept) < np.count_nonzero(of_result):
        samples.append((False, judgments.records.where(of_result)))
    rows: list[RobustnessRow] = []
    end = 0  # of the rows under the planned tie rule and exclusions
    for exclusions, records in samples:
        for rule in sorted(TIES, key=lambda rule: rule != ties):
            found = _rows(records, rule, alpha)
            rows += [replace(row, exclusions=exclusions, planned=False) for row in found]
            end = end or len(rows)
    drawn = _bootstrap(samples[0][1], rows[0], draws, seed, alpha) if draws else []
    return (replace(rows[0], planned=True), *rows[1:end], *drawn, *rows[end:])


def _bootstrap(
    records: Records, first: RobustnessRow, draws: int, seed: int, alpha: float
) -> list[RobustnessRow]:
    """Return the row of the two-way bootstrap, which has an interval and no test; none when it refuses."""
    used = records.where(records.decided) if first.ties_rule == "drop" else records
    rng = np.random.default_rng(seed)
    found = attempt(
        lambda: bootstrap(used.credit, used.annotator, used.prompt, rng=rng, draws=draws, alpha=alpha)
    )
    if isinstance(found, Absence):
        return []
    return [
        replace(first, clustering=BOOTSTRAP, ci_low=found.ci_low, ci_high=found.ci_high, p_value=None),
    ]


def _rows(records: Records, ties: str, alpha: float) -> list[RobustnessRow]:
    """Return one row per clustering, that of the headline first."""
    used = records.where(records.decided) if ties == "drop" else records
    estimate = estimate_share(used.credit, used.annotator, used.prompt, alpha=alpha)
    first = RobustnessRow(
        ties_rule=ties,
        clustering=LARGEST,
        exclusions=True,
        planned=False,
        n=estimate.n,
        win_rate=estimate.mean,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        p_value=estimate.p_value,
    )
    if estimate.method != METHOD_T:
        return [first]
    others = (_under(first, estimate, clustering, alpha) for clustering in CLUSTERINGS[1:])
    return [first, *(row for row in others if row)]


def _under(first: RobustnessRow, estimate: Estimate, clustering: str, alpha: float) -> RobustnessRow | None:
    """Return the row with another variance, mean +- t(df) sqrt(V); None where V is not positive."""
    variance = getattr(estimate.variances, clustering)
    if variance is None or variance <= 0 or estimate.mean is None:
        return None
    df = {
        TWO_WAY: min(estimate.annotators, estimate.prompts) - 1,
        ANNOTATORS: estimate.annotators - 1,
        PROMPTS: estimate.prompts - 1,
        INDEPENDENT: estimate.n - 1,
    }[clustering]
    se = sqrt(variance)
    reach = float(stats.t.isf(alpha / 2, df)) * se
    return replace(
        first,
        clustering=clustering,
        ci_low=max(0.0, estimate.mean - reach),
        ci_high=min(1.0, estimate.mean + reach),
        p_value=float(2 * stats.t.sf(abs(estimate.mean - 0.5) / se, df)),
    )


def with_looks(rows: tuple[RobustnessRow, ...], found: Looks | Absence | None) -> tuple[RobustnessRow, ...]:
    """Return the rows led by the one that holds over all looks, where the plan allowed any.

    What was planned is that one; the others, each under another rule, are of the last look alone.
    """
    if found is None:
        return rows
    if isinstance(found, Absence):
        low, high, p_value = None, None, None
    else:
        low, high, p_value = found.ci_low, found.ci_high, found.p_value
    first = replace(rows[0], clustering=ALL_LOOKS, ci_low=low, ci_high=high, p_value=p_value)
    return (first, replace(rows[0], planned=False), *rows[1:])


def model_rows(found: Models | None) -> tuple[RobustnessRow, ...]:
    """Return the rows of the models of decided judgments that there are."""
    if found is None:
        return ()
    rows = []
    if not isinstance(found.glmm, Absence):
        mixed = found.glmm
        rows.append(
            _model(MIXED, mixed.n, mixed.marginal_win_rate, mixed.marginal_ci_low, mixed.marginal_ci_high)
        )
    if not isinstance(found.adjusted, Absence):
        n = found.adjusted.n
        predictions = (
            (SIDES, found.adjusted.side_standardised),
            (EQUAL_LENGTH, found.adjusted.equal_length),
        )
        rows += [_model(name, n, p.win_rate, p.ci_low, p.ci_high) for name, p in predictions if p]
    return tuple(rows)


def _model(name: str, n: int, win_rate: float, low: float | None, high: float | None) -> RobustnessRow:
    return RobustnessRow("drop", name, True, False, n, win_rate, low, high, None)  # noqa: FBT003 - as above
