"""The results' sections: what was found, how firm it is, and what else could explain it."""

from __future__ import annotations

from typing import Any

from studies.analysis.as_json import result_as_dict
from studies.analysis.plan import GATEKEEPING
from studies.analysis.records import Pair
from studies.analysis.result import Result
from studies.analysis.robustness import RobustnessRow
from studies.analysis.sentence import sentence, t_text
from studies.reports import figures as f
from studies.reports.document import Block, Plot, Prose, Section, Table, present, table
from studies.reports.panel_plot import position_picture
from studies.reports.plots import pictures
from studies.reports.robustness_plot import robustness_picture, words_of
from studies.reports.summary import ReportSummary

SE_NAMES = {
    "annotators": "by annotator",
    "prompts": "by prompt",
    "two_way": "two-way",
    "independent": "independent",
}


def results(summary: ReportSummary) -> list[Section]:
    """Return one section per pair of arms."""
    if not summary.analysis:
        return []
    return [
        Section(
            f"results-{number}",
            f"{pair.candidate} against {pair.baseline}",
            _pair(summary, pair),
        )
        for number, pair in enumerate(summary.analysis.pairs, 1)
    ]


def _pair(summary: ReportSummary, pair: Pair) -> tuple[Block, ...]:
    analysis = summary.analysis
    found = analysis.of_pair(pair) if analysis else ()
    drawn = pictures(found, simulated=summary.integrity.simulated)
    return present(
        *map(Plot, drawn),
        _criteria(summary, found),
        _beside(found),
        *(Prose(sentence(result), soft=True) for result in found),
    )


def level(summary: ReportSummary) -> str:
    """Return how many per cent the intervals cover."""
    return f"{100 * (1 - summary.analysis.alpha):g}" if summary.analysis else "95"


def tie_rule(summary: ReportSummary) -> str:
    """Return what happens to ties."""
    drop = summary.analysis is not None and summary.analysis.ties_rule == "drop"
    return "left out" if drop else "counted half"


def _criteria(summary: ReportSummary, found: tuple[Result, ...]) -> Table | None:
    several = bool(summary.analysis and len(summary.analysis.results) > 1)
    ordered = summary.analysis is not None and summary.analysis.multiplicity == GATEKEEPING
    corrected = "p in order" if ordered else "Holm p"
    heads = ["Criterion", "W", "T", "Bad", "L", "Win rate", "Interval", "Test", "p", corrected, "Decision"]
    rows = []
    for result in found:
        data = result_as_dict(result)
        cells = [
            result.criterion,
            *(f.count(data[name]) for name in ("wins", "ties", "both_bad", "losses")),
            f.share(data["win_rate"]),
            f.interval(data["ci_low"], data["ci_high"]),
            test(data),
            f.p_value(data["p_value"]),
            f.p_value(data["p_corrected"]),
            data["decision"],
        ]
        rows.append(cells if several else [*cells[:-2], cells[-1]])
    return table(
        "Table of criteria",
        heads if several else [*heads[:-2], heads[-1]],
        rows,
        caption=(
            f"Win rate by criterion, ties {tie_rule(summary)}; intervals of {level(summary)} %, clustered by "
            "annotator and prompt. W, T, Bad, L: judgments for the candidate, tied, both bad, for the "
            "baseline."
        ),
    )


def test(data: dict[str, Any]) -> str:
    """Return a t statistic, or a dash when there is none."""
    return f.NONE if data["statistic"] is None else t_text(data["statistic"], data["df"])


def _beside(found: tuple[Result, ...]) -> Table | None:
    rows = []
    for result in found:
        data = result_as_dict(result)
        naive = data["naive"]
        rows.append(
            (
                result.criterion,
                f.points(data["net"]),
                f.decimal(data["design_effect"]),
                f.of(f.decimal(data["effective_n"], 0), f.count(data["n"])),
                f.share(data["decided_win_rate"]),
                f.interval(data["decided_ci_low"], data["decided_ci_high"]),
                f.interval(naive["wilson_low"], naive["wilson_high"]),
                f.interval(naive["clopper_pearson_low"], naive["clopper_pearson_high"]),
                f.p_value(naive["sign_test_p"]),
            )
        )
    return table(
        "Table of what clustering changes",
        (
            *("Criterion", "Net, points", "Design effect", "Effective n", "Decided only"),
            *("Clustered interval", "Wilson", "Clopper–Pearson", "Sign test p"),
        ),
        rows,
        caption=(
            "What clustering changes. In grey and italics: numbers that assume independent judgments; "
            "they decide nothing here."
        ),
        naive=(6, 7, 8),
    )


def robustness(summary: ReportSummary) -> list[Section]:
    """Return the headline under other rules, and its standard error under each assumption."""
    analysis = summary.analysis
    if not analysis:
        return []
    rows = analysis.robustness
    blocks = present(
        Plot(robustness_picture(rows, simulated=summary.integrity.simulated)),
        _robustness_table(rows),
        _standard_errors(analysis.headline),
    )
    return [Section("robustness", "Robustness of the headline", blocks)]


def _robustness_table(rows: tuple[RobustnessRow, ...]) -> Table | None:
    return table(
        "Table of robustness",
        ("Rule", "n", "Win rate", "Interval", "p"),
        [
            (
                f"{words_of(row)}{' (as planned)' if row.planned else ''}",
                f.count(row.n),
                f.share(row.win_rate),
                f.interval(row.ci_low, row.ci_high),
                f.p_value(row.p_value),
            )
            for row in rows
        ],
        folded="The same in figures",
        caption="One row is what was planned. The others show what it rests on; none decides.",
    )


def _standard_errors(result: Result) -> Table | None:
    data = result_as_dict(result)
    parts = data["se_parts"]
    return table(
        "Table of standard errors",
        ("Criterion", *(SE_NAMES[name] for name in parts), "Used"),
        [
            (
                result.criterion,
                *(f.decimal(value, 4) for value in parts.values()),
                SE_NAMES.get(data["se_from"] or "", f.NONE),
            )
        ],
        caption="Standard error of the headline's win rate under each assumption; the largest is used.",
    )


def position(summary: ReportSummary) -> list[Section]:
    """Return the position effect and the agreement of every result."""
    if not summary.analysis:
        return []
    several = len(summary.analysis.pairs) > 1
    rows = [
        (f"{result.criterion} ({result.pair.candidate})" if several else result.criterion, *_position(result))
        for result in summary.analysis.results
    ]
    made = table(
        "Table of position and agreement",
        (
            *("Criterion", "Slot A chosen", "Clustered interval", "p", "Judged twice or more"),
            *("Raw agreement", "Krippendorff’s α", "Interval", "Gwet’s AC1"),
        ),
        rows,
        caption=(
            "How often slot A was chosen among decided judgments, whatever stood in it; and how far "
            "annotators agree on the comparisons that two or more of them judged."
        ),
    )
    drawn = position_picture(summary.analysis.headline, simulated=summary.integrity.simulated)
    blocks = present(Plot(drawn) if drawn else None, made)
    return [Section("position", "Position and agreement", blocks)]


def _position(result: Result) -> tuple[str, ...]:
    data = result_as_dict(result)
    slot, agreement = data["position"], data["agreement"]
    return (
        f.share(slot["share_a"]),
        f.interval(slot["ci_low"], slot["ci_high"]),
        f.p_value(slot["p_value"]),
        f.count(agreement["comparisons"]),
        f.share(agreement["raw"]),
        f.decimal(agreement["alpha"], 3),
        f.decimals(agreement["alpha_low"], agreement["alpha_high"]),
        f.decimal(agreement["ac1"], 3),
    )
