"""The sections of what the plan asked for: scores, the order of claims, looks, strata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studies.analysis.absence import Absence
from studies.analysis.gates import NON_INFERIORITY
from studies.analysis.interim import ConfidenceSequence, Monitoring
from studies.analysis.result import Result
from studies.analysis.sentence import graded_sentence, looks_sentence
from studies.analysis.summary import Analysis
from studies.reports import figures as f
from studies.reports.document import Block, Items, Prose, Section, Table, present, table
from studies.reports.many import MOST_ROWS, called, left_out, many_pairs, shown
from studies.reports.summary import ReportSummary


def scores(summary: ReportSummary) -> list[Section]:
    """Return the scores of graded criteria."""
    analysis = summary.analysis
    graded = [result for result in (analysis.results if analysis else ()) if result.graded]
    if analysis is None or not graded:
        return []
    own = [result for result in graded if not many_pairs(analysis) or result.pair == analysis.headline.pair]
    blocks = present(
        *(Prose(graded_sentence(result)) for result in own),
        left_out(graded, analysis),
        _score_table(shown(graded, analysis), analysis),
    )
    return [Section("graded", "How strong the preferences were", blocks)]


def _score_table(results: list[Result], analysis: Analysis) -> Table | None:
    rows = [_score(result, analysis) for result in results]
    return table(
        "Table of scores on graded scales",
        (
            *("Criterion", "n", "Mean score", "Interval", "p", "Signed-rank p", "Ordinal log-odds", "p"),
            *("α ordinal", "α interval"),
        ),
        rows,
        caption=(
            "Signed steps of the scale, positive for the candidate, clustered by annotator and prompt. "
            "Beside it, Wilcoxon’s test of annotators’ means (Pratt’s zeros), a cumulative logit with "
            "mirrored thresholds, and Krippendorff’s α. They support the win rate and decide nothing."
        ),
    )


def _score(result: Result, analysis: Analysis) -> tuple[Any, ...]:
    found = result.graded
    assert found is not None  # noqa: S101 - the caller keeps only those with scores
    ranks, ordinal = found.signed_rank, found.ordinal
    return (
        called(result, analysis),
        f.count(found.score.n),
        f.decimal(found.score.mean),
        f.decimals(found.score.ci_low, found.score.ci_high, 2),
        f.p_value(found.score.p_value),
        f.NONE if isinstance(ranks, Absence) else f.p_value(ranks.p_value),
        f.NONE if isinstance(ordinal, Absence) else f.decimal(ordinal.estimate),
        f.NONE if isinstance(ordinal, Absence) else f.p_value(ordinal.p_value),
        f.decimal(found.alpha_ordinal.alpha, 3),
        f.decimal(found.alpha_interval.alpha, 3),
    )


def order(summary: ReportSummary) -> list[Section]:
    """Return the claims in the plan's order, where it has one."""
    analysis = summary.analysis
    if analysis is None:
        return []
    claimed = [result for result in analysis.results if result.steps]
    rows = [
        (
            called(result, analysis),
            "non-inferior" if step.claim == NON_INFERIORITY else "differs from 1/2",
            f.p_value(step.p_value),
            f.p_value(step.p_corrected),
            step.decision,
        )
        for result in shown(claimed, analysis)
        for step in result.steps or ()
    ]
    made = table(
        "Table of claims in the plan's order",
        ("Criterion", "Claim", "p", "p in order", "Decision"),
        rows,
        caption=(
            "First that the candidate is preferred on the primary criterion; then, with a margin, that it is "
            "non-inferior on the others; then that one arm is preferred on them. Tests against 1/2 are "
            "two-sided: which arm is preferred stands in the results. A claim is tested only when "
            "every one before it was shown, which keeps the chance of any false claim at alpha."
        ),
    )
    if made is None:
        return []
    return [Section("order", "Claims in the plan’s order", present(left_out(claimed, analysis), made))]


def looks(summary: ReportSummary) -> list[Section]:
    """Return every look that was taken, and the rule over all of them."""
    analysis = summary.analysis
    if analysis is None or analysis.looks is None:
        return []
    if isinstance(analysis.looks, Absence):
        return [Section("looks", "Looks before the end", (Prose(analysis.looks.reason),))]
    found = analysis.looks
    made: list[Block | None] = [Prose(looks_sentence(found, analysis.headline))]
    if found.monitoring is not None:
        made.append(_monitored(found.monitoring))
    if found.sequence is not None:
        made.append(_sequence(found.sequence))
    part = found.monitoring or found.sequence
    made += [left_out(analysis.results, analysis), _over_looks(shown(analysis.results, analysis), analysis)]
    caveats = (*found.caveats, *(part.caveats if part else ()))
    made.append(Items(caveats, small=True) if caveats else None)
    return [Section("looks", "Looks before the end", present(*made))]


def _over_looks(results: Sequence[Result], analysis: Analysis) -> Table | None:
    rows = [
        (
            called(result, analysis),
            f.share(result.rate.estimate.mean),
            f.interval(*result.interval),
            f.p_value(result.p_sequential),
        )
        for result in results
        if result.looks is not None
    ]
    return table(
        "Table of criteria over all looks",
        ("Criterion", "Win rate", "Interval over all looks", "p over all looks"),
        rows,
        caption=(
            "Every criterion spends its error by itself at the same looks. The interval is what the looks’ "
            "repeated confidence intervals have in common, and holds whenever collection stopped; p is the "
            "smallest alpha whose boundaries were crossed. With anytime-valid bets the interval is of "
            "annotators’ mean win rates. Other intervals in this report are of one look, "
            "unless it says otherwise."
        ),
    )


def _monitored(found: Monitoring) -> Table | None:
    return table(
        "Table of looks",
        ("Look", "n", "Share of plan", "Error spent", "z", "Boundary", "Nominal p", "Crossed", "Interval"),
        [
            (
                f.count(look.number),
                f.count(look.n),
                f.share(look.fraction),
                f.decimal(look.spent, 5),
                f.decimal(look.z),
                f.decimal(look.boundary),
                f.p_value(look.nominal_p),
                "yes" if look.crossed else "no",
                f.interval(look.ci_low, look.ci_high),
            )
            for look in found.looks
        ],
        caption=(
            "Every look at the primary criterion, the last one included, against the boundary of the planned "
            "spending, with its repeated confidence interval (Jennison and Turnbull 1989)."
        ),
    )


def _sequence(found: ConfidenceSequence) -> Table | None:
    rows = zip(found.looks, found.low.tolist(), found.high.tolist(), strict=True)
    return table(
        "Table of the confidence sequence",
        ("Annotators", "Interval"),
        [(f.count(number), f.interval(low, high)) for number, low, high in rows],
        folded="The interval that holds at every look at once",
    )


def strata(summary: ReportSummary) -> list[Section]:
    """Return the win rates within strata, as an exploration."""
    analysis = summary.analysis
    if analysis is None:
        return []
    found, note = analysis.subgroups, None
    if len(found) > MOST_ROWS:
        found = tuple(part for part in found if part.pair == analysis.headline.pair)
        note = left_out(analysis.results, analysis)
    made = table(
        "Table of strata",
        ("Stratum", "Criterion", "n", "Win rate", "Interval", "p", "Benjamini–Hochberg p"),
        [
            (
                part.stratum,
                called(part, analysis),
                f.count(part.estimate.n),
                f.share(part.estimate.mean),
                f.interval(part.estimate.ci_low, part.estimate.ci_high),
                f.p_value(part.estimate.p_value),
                f.p_value(part.p_bh),
            )
            for part in found
        ],
        caption=(
            "An exploration: it may suggest where the preference is stronger, and confirms nothing. Each "
            "interval is for itself; the last column controls the share of false claims among all rows."
        ),
    )
    return [Section("strata", "Strata of prompts", present(note, made))] if made else []
