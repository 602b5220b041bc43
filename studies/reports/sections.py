"""The results' sections: what was found, how firm it is, and what else could explain it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studies.analysis.as_json import result_as_dict
from studies.analysis.plan import GATEKEEPING
from studies.analysis.records import Pair
from studies.analysis.result import Result
from studies.analysis.robustness import ALL_LOOKS, RobustnessRow
from studies.analysis.sentence import sentence, t_text
from studies.reports import figures as f
from studies.reports.document import Block, Plot, Prose, Section, Table, present, table
from studies.reports.many import called, left_out, shown
from studies.reports.panel_plot import position_picture
from studies.reports.plots import pictures
from studies.reports.robustness_plot import robustness_picture, words_of
from studies.reports.summary import ReportSummary

Named = Sequence[tuple[str, Result]]
"""What each row is called, and its result."""
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
            pair_blocks(summary, pair),
        )
        for number, pair in enumerate(summary.analysis.pairs, 1)
    ]


def pair_blocks(summary: ReportSummary, pair: Pair) -> tuple[Block, ...]:
    """Return the pictures, tables and sentences of one pair of arms."""
    analysis = summary.analysis
    found = analysis.of_pair(pair) if analysis else ()
    drawn = pictures(found, simulated=summary.integrity.simulated)
    named = [(result.criterion, result) for result in found]
    return present(
        *map(Plot, drawn),
        criteria_table(summary, named),
        beside_table(named),
        *(Prose(sentence(result), soft=True) for result in found),
    )


def level(summary: ReportSummary) -> str:
    """Return how many per cent the intervals cover."""
    return f"{100 * (1 - summary.analysis.alpha):g}" if summary.analysis else "95"


def tie_rule(summary: ReportSummary) -> str:
    """Return what happens to ties."""
    drop = summary.analysis is not None and summary.analysis.ties_rule == "drop"
    return "left out" if drop else "counted half"


def criteria_table(summary: ReportSummary, named: Named, head: str = "Criterion") -> Table | None:
    """Return counts, win rate, interval, test and decision of each result, under its name."""
    several = bool(summary.analysis and len(summary.analysis.results) > 1)
    ordered = summary.analysis is not None and summary.analysis.multiplicity == GATEKEEPING
    looks = ", all looks" if any(result.looks for _, result in named) else ""
    corrected = ("p in order" if ordered else "Holm p",) if several else ()
    return table(
        "Table of criteria",
        (
            *(head, "W", "T", "Bad", "L", "Win rate", f"Interval{looks}", "Test", f"p{looks}"),
            *(*corrected, "Decision"),
        ),
        [_tested(name, result, several=several) for name, result in named],
        caption=(
            f"Win rate by {head.lower()}, ties {tie_rule(summary)}; intervals of {level(summary)} %, "
            "clustered by annotator and prompt. W, T, Bad, L: judgments for the candidate, tied, both bad, "
            f"for the baseline.{_of_looks(looks)}"
        ),
    )


def _of_looks(looks: str) -> str:
    return " Interval and p hold over all looks that the plan allowed; the test is of the last one." * bool(
        looks
    )


def _tested(name: str, result: Result, *, several: bool) -> tuple[Any, ...]:
    data = result_as_dict(result)
    return (
        name,
        *(f.count(data[key]) for key in ("wins", "ties", "both_bad", "losses")),
        f.share(data["win_rate"]),
        f.interval(*result.interval),
        test(data),
        f.p_value(data["p_value"] if result.looks is None else result.p_sequential),
        *((f.p_value(data["p_corrected"]),) if several else ()),
        data["decision"],
    )


def test(data: dict[str, Any]) -> str:
    """Return a t statistic, or a dash when there is none."""
    return f.NONE if data["statistic"] is None else t_text(data["statistic"], data["df"])


def beside_table(named: Named, head: str = "Criterion", folded: str = "") -> Table | None:
    """Return what clustering changes of each result, under its name."""
    return table(
        "Table of what clustering changes",
        (
            *(head, "Net, points", "Design effect", "Effective n", "Decided only"),
            *("Clustered interval", "Wilson", "Clopper–Pearson", "Sign test p"),
        ),
        [(name, *_unclustered(result_as_dict(result))) for name, result in named],
        caption=(
            "What clustering changes. In grey and italics: numbers that assume independent judgments; "
            "they decide nothing here."
        ),
        naive=(6, 7, 8),
        folded=folded,
    )


def _unclustered(data: dict[str, Any]) -> tuple[Any, ...]:
    naive = data["naive"]
    return (
        f.points(data["net"]),
        f.decimal(data["design_effect"]),
        f.of(f.decimal(data["effective_n"], 0), f.count(data["n"])),
        f.share(data["decided_win_rate"]),
        f.interval(data["decided_ci_low"], data["decided_ci_high"]),
        f.interval(naive["wilson_low"], naive["wilson_high"]),
        f.interval(naive["clopper_pearson_low"], naive["clopper_pearson_high"]),
        f.p_value(naive["sign_test_p"]),
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
        caption=(
            "One row is what was planned. The others show what it rests on; none decides."
            + " They are of the last look alone." * (rows[0].clustering == ALL_LOOKS)
        ),
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
    analysis = summary.analysis
    rows = [(called(result, analysis), *_position(result)) for result in shown(analysis.results, analysis)]
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
    blocks = present(Plot(drawn) if drawn else None, left_out(analysis.results, analysis), made)
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
