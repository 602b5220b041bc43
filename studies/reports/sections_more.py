"""The sections of many arms, of margins, and of the differences between people and prompts."""

from __future__ import annotations

from collections.abc import Sequence

from studies.analysis.absence import Absence
from studies.analysis.bradley_terry import BradleyTerry, PairFit
from studies.analysis.heterogeneity import Shrinkage
from studies.analysis.result import Result
from studies.analysis.sentence import (
    equivalence_sentence,
    non_inferiority_decision,
    non_inferiority_sentence,
)
from studies.analysis.several import SeveralArms
from studies.analysis.summary import Analysis
from studies.reports import figures as f
from studies.reports.caterpillar import caterpillar_picture
from studies.reports.document import Block, Plot, Prose, Section, Table, present, table
from studies.reports.many import MOST_ROWS, called, left_out, many_pairs, shown
from studies.reports.scale_plot import scale_picture, scale_points
from studies.reports.score_plot import score_picture
from studies.reports.summary import ReportSummary

_WORST = 20
"""Pairs of arms that are listed of more than fit a table."""


def several_arms(summary: ReportSummary) -> list[Section]:
    """Return what is said of all arms together, where there are more than two."""
    analysis = summary.analysis
    if analysis is None or analysis.several is None:
        return []
    blocks = present(
        *_scale(summary, analysis.several),
        _band(analysis.several),
        *_scores(summary, analysis.several),
    )
    return [Section("arms", f"All arms together: {analysis.primary}", blocks)]


def _scale(summary: ReportSummary, several: SeveralArms) -> list[Block]:
    points = scale_points(several, summary.scales)
    if not points:
        return []
    title = "Win rate against the guidance scale, with intervals that hold for all scales at once"
    blocks: list[Block] = [Plot(scale_picture(points, title, simulated=summary.integrity.simulated))]
    if not isinstance(several.trend, Absence):
        found = several.trend
        shares = ", ".join(
            f"{scale:g} in {100 * share:.0f} %"
            for scale, share in zip(found.scales, found.best_frequency, strict=True)
        )
        blocks.append(
            Prose(
                f"How often each scale had the highest win rate in {found.draws} two-way bootstrap "
                f"resamples: {shares}. This is not the probability that a scale is best."
            )
        )
    return blocks


def _band(several: SeveralArms) -> Table | Prose:
    band = several.band
    if isinstance(band, Absence):
        return Prose(band.reason, soft=True)
    columns = zip(several.candidates, band.means, band.ci_low, band.ci_high, band.p_adjusted, strict=True)
    made = table(
        "Table of simultaneous intervals",
        ("Candidate", "Win rate", "Simultaneous interval", "Adjusted p"),
        [(name, f.share(mean), f.interval(low, high), f.p_value(p)) for name, mean, low, high, p in columns],
        caption="Intervals that hold for all candidates at once (max-t).",
    )
    return made or Prose("There are no candidates.")


def _scores(summary: ReportSummary, several: SeveralArms) -> list[Block]:
    found, analysis = several.bradley_terry, summary.analysis
    if isinstance(found, Absence) or analysis is None:
        return (
            [Prose(f"No scores of all arms: {found.reason}", soft=True)] if isinstance(found, Absence) else []
        )
    baseline = analysis.headline.pair.baseline
    picture = score_picture(found, baseline, simulated=summary.integrity.simulated)
    return [*present(Plot(picture), _score_table(found), _fit(found))]


def _score_table(found: BradleyTerry) -> Table | None:
    words = {"davidson": "Davidson's ties", "dropped": "ties left out"}.get(found.method, found.method)
    return table(
        "Table of scores",
        ("Arm", "Judgments", "Score", "Standard error", "Interval", "Ranks"),
        [
            (
                arm.name,
                f.count(arm.judgments),
                f.decimal(arm.score, 3),
                f.decimal(arm.se, 3),
                f.decimals(arm.ci_low, arm.ci_high),
                f.NONE if arm.rank_low is None else f.span(arm.rank_low, arm.rank_high),
            )
            for arm in found.arms
        ],
        caption=(
            f"Bradley-Terry scores ({words}): log-strength against the mean of all arms, clustered by "
            "annotator and prompt. Ranks: those that no simultaneous test of two arms excludes."
        ),
    )


def _fit(found: BradleyTerry) -> Table | None:
    """Return what the scores predict beside what was seen; of many pairs, those that fit worst."""
    few = len(found.pairs) <= MOST_ROWS
    pairs = found.pairs if few else sorted(found.pairs, key=_misfit, reverse=True)[:_WORST]
    return table(
        "Table of predicted and observed win rates",
        ("Arms", "Judgments", "Observed", "Predicted"),
        [
            (
                f"{pair.arm} against {pair.other}",
                f.count(pair.n),
                f.share(pair.observed),
                f.share(pair.expected),
            )
            for pair in pairs
        ],
        folded="Predicted against observed",
        caption=""
        if few
        else f"The {_WORST} pairs of {len(found.pairs)} that differ most for their judgments.",
    )


def _misfit(pair: PairFit) -> float:
    """Return how far a pair is from its prediction, in standard errors of independent judgments.

    Below half a judgment's worth of variance the measure would only find lopsided pairs.
    """
    variance = max(pair.expected * (1 - pair.expected), 0.5 / max(pair.n, 1))
    return float(abs(pair.observed - pair.expected) * (pair.n / variance) ** 0.5)


def margins(summary: ReportSummary) -> list[Section]:
    """Return the tests against the margin, where the plan has one."""
    results = summary.analysis.results if summary.analysis else ()
    tested = [result for result in results if result.margins]
    if summary.analysis is None or not tested:
        return []
    said = tested
    if many_pairs(summary.analysis):
        said = [result for result in tested if result.pair == summary.analysis.headline.pair]
    blocks = present(
        *(
            Prose(text)
            for result in said
            for text in (non_inferiority_sentence(result), equivalence_sentence(result))
        ),
        None if said == tested else left_out(tested, summary.analysis),
        None if said == tested else _margin_table(shown(tested, summary.analysis), summary.analysis),
    )
    return [Section("margins", "Not worse, or the same", blocks)]


def _margin_table(results: Sequence[Result], analysis: Analysis) -> Table | None:
    return table(
        "Table of tests against the margin",
        ("Criterion", "Win rate", "Lower limit", "p", "Not worse", "Interval", "p", "The same"),
        [
            (
                called(result, analysis),
                f.share(result.rate.estimate.mean),
                f.share(worse.limit),
                f.p_value(worse.p_value),
                non_inferiority_decision(result),
                f.interval(same.low, same.high),
                f.p_value(same.p_value),
                same.decision.value,
            )
            for result in results
            if result.margins
            for worse, same in ((result.margins.non_inferiority, result.margins.equivalence),)
        ],
        caption=(
            "One-sided against 1/2 − margin, and two one-sided tests against 1/2 ± margin; p not corrected "
            "for several tests. What is not shown is not shown to be otherwise."
        ),
    )


def heterogeneity(summary: ReportSummary) -> list[Section]:
    """Return how much annotators and prompts differ, for the headline."""
    analysis = summary.analysis
    found = analysis.headline.heterogeneity if analysis else None
    if analysis is None or found is None:
        return []
    candidate = analysis.headline.pair.candidate
    picture = caterpillar_picture(found, candidate, simulated=summary.integrity.simulated)
    blocks = present(
        Plot(picture) if picture else None,
        left_out(analysis.results, analysis),
        _spread(shown(analysis.results, analysis), analysis),
    )
    return [Section("heterogeneity", "Differences between annotators and prompts", blocks)] if blocks else []


def _spread(results: Sequence[Result], analysis: Analysis) -> Table | None:
    rows = []
    for result in results:
        found = result.heterogeneity
        if found is None:
            continue
        parts = found.components
        rhos = (
            (f.NONE, f.NONE)
            if isinstance(parts, Absence)
            else (f.decimal(parts.rho_annotators, 3), f.decimal(parts.rho_prompts, 3))
        )
        rows.append((called(result, analysis), *rhos, *_range(found.annotators), *_range(found.prompts)))
    return table(
        "Table of heterogeneity",
        (
            *("Criterion", "ρ annotators", "ρ prompts", "SD annotators", "From, to"),
            *("SD prompts", "From, to"),
        ),
        rows,
        caption=(
            "ρ: how alike two judgments of one annotator, or of one prompt, are. SD: the standard deviation "
            "between annotators, or prompts, beyond chance, in percentage points; and the lowest and highest "
            "win rate after shrinking each to the mean."
        ),
    )


def _range(found: Shrinkage | Absence) -> tuple[str, str]:
    if isinstance(found, Absence):
        return f.NONE, f.NONE
    shrunk = [rate.shrunk for rate in found.rates]
    return f.points_of(found.between**0.5), f.interval(min(shrunk), max(shrunk))
