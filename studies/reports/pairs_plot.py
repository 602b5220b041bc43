"""The forest of many pairs of arms: one line each, for one criterion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure

from studies.analysis.result import Result
from studies.reports.forest import Row, rows_figure
from studies.reports.picture import Picture, draw
from studies.reports.style import Look

Named = Sequence[tuple[str, Result]]
"""What each line is called, and its result."""


def pairs_picture(number: int, criterion: str, named: Named, *, simulated: bool) -> Picture:
    """Return the forest of one criterion; ``number`` tells it from those of other criteria."""
    said = " ".join(f"{name}: {_row(name, result, '').numbers}." for name, result in named)
    title = f"Win rate of every pair of arms: {criterion}"
    words = f"The line of no preference is at 50 %. In per cent: {said}"
    return draw(f"pairs-{number}", (title, words), partial(_figure, criterion, named), simulated=simulated)


def _figure(criterion: str, named: Named, look: Look) -> Figure:
    colour = look.colours.candidate
    return rows_figure([(criterion, [_row(name, result, colour) for name, result in named])], look)


def _row(name: str, result: Result, colour: str) -> Row:
    return Row(name, result.rate.estimate.mean, *result.interval, colour, "o", 5.0)
