"""The table of criteria for papers: Markdown, LaTeX and CSV, from the same rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.utils.html import strip_tags

from studies.analysis.as_json import result_as_dict
from studies.analysis.csv_table import neutralise
from studies.analysis.plan import GATEKEEPING
from studies.analysis.result import Result
from studies.analysis.sentence import p_text, percent, sentence
from studies.reports.many import many_pairs, pair_names
from studies.reports.sections_effort import COST_CAPTION, COST_HEADS, cost_cells
from studies.reports.summary import ReportSummary

_HEAD = ("W", "T", "B", "L", "Win rate, %", "CI", "p")
_TEX = re.compile(r"[&%$#_{}~^\\<>]")
_TEX_WORDS = {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": "$<$",
    ">": "$>$",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|])")


def _cells(name: str, result: Result) -> tuple[str, ...]:
    rate, estimate = result.rate, result.rate.estimate
    counts = (rate.wins, rate.ties, rate.both_bad, rate.losses)
    low, high = result.interval
    span = "–" if low is None or high is None else f"[{percent(low)}, {percent(high)}]"
    return (
        name,
        *map(str, counts),
        "–" if estimate.mean is None else percent(estimate.mean),
        span,
        _p(estimate.p_value if result.looks is None else result.p_sequential),
        _p(result.p_corrected),
        "–" if estimate.design_effect is None else f"{estimate.design_effect:.2f}",
    )


def _p(value: float | None) -> str:
    return "–" if value is None else p_text(value, "").strip().removeprefix("= ")


def _note(summary: ReportSummary) -> str:
    analysis = summary.analysis
    rule = "left out" if analysis and analysis.ties_rule == "drop" else "counted half"
    level = f"{100 * (1 - analysis.alpha):g}" if analysis else "95"
    corrected = "in the plan's order" if _ordered(summary) else "adjusted over all rows"
    looks = " CI and p hold over all planned looks." * bool(analysis and analysis.headline.looks)
    return (
        f"W, T, B, L: judgments for the candidate, tied, both bad, for the baseline; ties {rule}. "
        f"CI: {level} %, clustered by annotator and prompt.{looks} {_corrected(summary)}: {corrected}. "
        f"Deff: design effect. Data: SHA-256 {summary.integrity.data_sha256[:16]}."
    )


def _ordered(summary: ReportSummary) -> bool:
    return summary.analysis is not None and summary.analysis.multiplicity == GATEKEEPING


def _corrected(summary: ReportSummary) -> str:
    return "p in order" if _ordered(summary) else "Holm p"


@dataclass(frozen=True, slots=True)
class _Group:
    """One table: its title, what its rows are, and each row's name."""

    title: str
    rows: str
    named: tuple[tuple[str, Result], ...]

    def heads(self, summary: ReportSummary) -> tuple[str, ...]:
        return (self.rows, *_HEAD, _corrected(summary), "Deff")


def _groups(summary: ReportSummary) -> Iterator[_Group]:
    """Yield a table for each pair of arms, or of many pairs one for each criterion."""
    analysis = summary.analysis
    if analysis is None:
        return
    if many_pairs(analysis):
        for criterion in dict.fromkeys(result.criterion for result in analysis.results):
            found = [result for result in analysis.results if result.criterion == criterion]
            yield _Group(criterion, "Pair", tuple(zip(pair_names(analysis, found), found, strict=True)))
        return
    for pair in analysis.pairs:
        named = tuple((result.criterion, result) for result in analysis.of_pair(pair))
        yield _Group(f"{pair.candidate} against {pair.baseline}", "Criterion", named)


def markdown(summary: ReportSummary) -> bytes:
    """Return headline, tables and note as Markdown."""
    lines = [f"# {_md(summary.title)}", "", _md(summary.headline), ""]
    for group in _groups(summary):
        heads = group.heads(summary)
        lines += [
            f"## {_md(group.title)}",
            "",
            f"| {' | '.join(heads)} |",
            f"|---|{'---:|' * (len(heads) - 1)}",
        ]
        lines += [f"| {' | '.join(map(_md, _cells(*row)))} |" for row in group.named]
        lines += [""]
    return "\n".join([*lines, _md(_note(summary)), "", *_markdown_cost(summary), ""]).encode()


def _markdown_cost(summary: ReportSummary) -> list[str]:
    lines = [f"| {' | '.join(COST_HEADS)} |", f"|---|{'---:|' * (len(COST_HEADS) - 1)}"]
    lines += [f"| {' | '.join(map(_md, cells))} |" for cells in _cost_rows(summary)]
    return ["## Cost", "", *lines, "", _md(COST_CAPTION)]


def _cost_rows(summary: ReportSummary) -> Iterator[list[str]]:
    """Yield the arms' rows of cost, without the markup that pages give their figures."""
    for cost in summary.effort.cost:
        yield [unescape(strip_tags(cell)) for cell in cost_cells(cost)]


def _md(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def latex(summary: ReportSummary) -> bytes:
    """Return tables for `booktabs`, headline as the caption."""
    lines = ["% Needs \\usepackage{booktabs}"]
    for group in _groups(summary):
        heads = group.heads(summary)
        lines += [
            r"\begin{table}",
            rf"\caption{{{_tex(group.title)}. {_tex(_caption(summary, group))}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            rf"{' & '.join(map(_tex, heads))} \\",
            r"\midrule",
            *(rf"{' & '.join(map(_tex, _cells(*row)))} \\" for row in group.named),
            r"\bottomrule",
            r"\end{tabular}",
            "",
            rf"\smallskip\footnotesize {_tex(_note(summary))}",
            r"\end{table}",
        ]
    if not summary.analysis:
        lines += [_tex(summary.headline)]
    return "\n".join([*lines, *_latex_cost(summary), ""]).encode()


def _latex_cost(summary: ReportSummary) -> list[str]:
    return [
        r"\begin{table}",
        rf"\caption{{{_tex(COST_CAPTION)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(COST_HEADS) - 1)}}}",
        r"\toprule",
        rf"{' & '.join(map(_tex, COST_HEADS))} \\",
        r"\midrule",
        *(rf"{' & '.join(map(_tex, cells))} \\" for cells in _cost_rows(summary)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _caption(summary: ReportSummary, group: _Group) -> str:
    """Return a sentence of the table's own: of the headline, the primary criterion, or else its first."""
    results = [result for _, result in group.named]
    if summary.analysis is None:
        return ""
    headline, primary = summary.analysis.headline, summary.analysis.primary
    own = next((result for result in results if result.criterion == primary), results[0])
    said = sentence(next((result for result in results if result is headline), own))
    return f"SIMULATED: {said}" if summary.integrity.simulated else said


def _tex(text: str) -> str:
    escaped = _TEX.sub(lambda found: _TEX_WORDS.get(found[0], rf"\{found[0]}"), " ".join(text.split()))
    return escaped.replace("–", "--").replace("\u202f", r"\,").replace("−", "$-$").replace("×", r"$\times$")


def results_csv(summary: ReportSummary) -> bytes:
    """Return one row per criterion and pair with every number in full, nested names joined by a dot."""
    rows = [
        {"study": summary.slug, "simulated": int(summary.integrity.simulated), **_flat(result)}
        | _cost(summary, result)
        for result in (summary.analysis.results if summary.analysis else ())
    ]
    buffer = io.StringIO()
    # A result may have what another has a reason for the lack of: columns are all names that occur.
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(buffer, list(names) or ["study", "simulated"])
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _flat(result: Result) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "candidate": neutralise(result.pair.candidate),
        "baseline": neutralise(result.pair.baseline),
        "criterion": neutralise(result.criterion),
    }
    return flat | dict(_leaves(result_as_dict(result)))


def _cost(summary: ReportSummary, result: Result) -> dict[str, Any]:
    """Return what a response of each of a result's two arms cost on average."""
    costs = {cost.arm: cost for cost in summary.effort.cost}
    return {
        f"cost.{role}_{name}": getattr(costs[arm], name)
        for role, arm in (("candidate", result.pair.candidate), ("baseline", result.pair.baseline))
        for name in ("mean_tokens", "mean_forward_flops", "mean_seconds")
        if arm in costs
    }


def _leaves(data: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with the names that lead to it, joined by dots; parts of a list are numbered."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
            yield from _leaves({str(number): part for number, part in enumerate(value, 1)}, f"{above}{name}.")
        else:
            yield f"{above}{name}", " ".join(map(str, value)) if isinstance(value, list) else value
