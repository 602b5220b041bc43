"""The results of many pairs of arms: the headline's in full, and all of them in one table per criterion."""

from __future__ import annotations

from studies.analysis.result import INFERIOR, SUPERIOR, Result
from studies.analysis.summary import Analysis
from studies.reports.document import Block, Plot, Prose, Section, present
from studies.reports.many import MOST_ROWS, pair_names
from studies.reports.pairs_plot import pairs_picture
from studies.reports.sections import Named, beside_table, criteria_table, pair_blocks
from studies.reports.summary import ReportSummary

_MOST_DRAWN = 32
"""Lines of a forest that fits on a page."""


def results(summary: ReportSummary, analysis: Analysis) -> list[Section]:
    """Return the headline's pair as a section, and all pairs as another."""
    first = analysis.headline.pair
    everywhere = [
        block
        for number, criterion in enumerate(dict.fromkeys(result.criterion for result in analysis.results), 1)
        for block in _criterion(summary, analysis, number, criterion)
    ]
    return [
        Section("results-1", f"{first.candidate} against {first.baseline}", pair_blocks(summary, first)),
        Section("pairs", f"All {len(analysis.pairs)} pairs of arms", tuple(everywhere)),
    ]


def _criterion(summary: ReportSummary, analysis: Analysis, number: int, criterion: str) -> tuple[Block, ...]:
    found = [result for result in analysis.results if result.criterion == criterion]
    named = list(zip(pair_names(analysis, found), found, strict=True))
    simulated = summary.integrity.simulated
    drawn = [pair for pair in named if pair[1].rate.estimate.mean is not None]
    listed = named if len(named) <= MOST_ROWS else [pair for pair in named if _decided(pair[1])]
    return present(
        Prose(f"{criterion}: {_counted(named)}"),
        Plot(pairs_picture(number, criterion, drawn, simulated=simulated))
        if 0 < len(drawn) <= _MOST_DRAWN
        else None,
        None if len(listed) == len(named) else Prose(_unlisted(len(listed), len(named)), soft=True),
        criteria_table(summary, listed, head="Pair"),
        beside_table(listed, head="Pair", folded="What clustering changes, pair by pair"),
    )


def _decided(result: Result) -> bool:
    return result.decision in {SUPERIOR, INFERIOR}


def _counted(named: Named) -> str:
    """Return how the corrected tests came out, and of which pairs."""
    told = []
    for decision, words in ((SUPERIOR, "the candidate"), (INFERIOR, "the baseline")):
        names = [name for name, result in named if result.decision == decision]
        which = f" ({', '.join(names)})" if 0 < len(names) <= MOST_ROWS else ""
        told.append(f"{words} was preferred in {len(names)} of {len(named)} pairs{which}")
    return f"{' and '.join(told)}. Where no preference was shown, the arms are not shown to be equally good."


def _unlisted(listed: int, total: int) -> str:
    if not listed:
        return f"results.csv and report.json list all {total}."
    return (
        f"The tables list the {listed} pairs in which a preference was shown; results.csv and report.json "
        f"have all {total}."
    )
