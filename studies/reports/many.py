"""How much of many results a page can hold: what it leaves out, it says, and the JSON has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studies.analysis.result import Result
from studies.analysis.subgroups import Subgroup
from studies.analysis.summary import Analysis
from studies.reports.document import Prose

MOST_PAIRS = 6
"""Pairs of arms that have a section each; more stand in tables together."""
MOST_ROWS = 60
"""Rows that a table of results may have."""
MOST_BESIDE = 24
"""Rows that a table beside the results may have."""
_NAMED = 3
"""Results that a note names one by one."""


def many_pairs(analysis: Analysis) -> bool:
    """Say whether there are too many pairs for a section each."""
    return len(analysis.pairs) > MOST_PAIRS


def called(result: Result | Subgroup, analysis: Analysis) -> str:
    """Return what tells a result from all others: its criterion, and of its pair what differs."""
    pairs = analysis.pairs
    if len(pairs) == 1:
        return result.criterion
    candidate, baseline = result.pair
    several = len({pair.baseline for pair in pairs}) > 1
    return f"{result.criterion} ({candidate}{f' against {baseline}' if several else ''})"


def shown(results: Sequence[Result], analysis: Analysis) -> list[Result]:
    """Return the results that a table beside the headline lists: all, or those of the headline's pair."""
    if len(results) <= MOST_BESIDE:
        return list(results)
    return [result for result in results if result.pair == analysis.headline.pair]


def left_out(results: Sequence[Result], analysis: Analysis) -> Prose | None:
    """Return the words for what `shown` leaves out."""
    if len(results) <= MOST_BESIDE:
        return None
    candidate, baseline = analysis.headline.pair
    return Prose(
        f"Of {len(analysis.pairs)} pairs of arms the tables here list the headline’s, {candidate} against "
        f"{baseline}; report.json has the same of every pair.",
        soft=True,
    )


def pair_names(analysis: Analysis, found: Sequence[Result]) -> list[str]:
    """Return what tells the pairs apart: the candidates, where all meet the same baseline."""
    if len({pair.baseline for pair in analysis.pairs}) == 1:
        return [result.pair.candidate for result in found]
    return [f"{result.pair.candidate} against {result.pair.baseline}" for result in found]


def told_once(said: Iterable[tuple[str, str]], total: int) -> tuple[str, ...]:
    """Return each text once, led by the names that it holds for unless it holds for all of them.

    >>> told_once([("a", "Thin."), ("b", "Thin."), ("a", "Long.")], 2)
    ('Thin.', 'a: Long.')
    """
    names: dict[str, dict[str, None]] = {}
    for name, text in said:
        names.setdefault(text, {})[name] = None
    return tuple(_led(text, list(found), total) for text, found in names.items())


def _led(text: str, names: Sequence[str], total: int) -> str:
    if len(names) == total:
        return text
    if len(names) > _NAMED:
        return f"{len(names)} of {total} results: {text}"
    return f"{', '.join(names)}: {text}"
