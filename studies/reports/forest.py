"""The forest plot: every estimate with its interval around the line of no preference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.result import Result
from studies.analysis.sentence import percent
from studies.reports import style
from studies.reports.style import SMALL, TEXT, Look, Palette


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate: a label, its interval, a look."""

    label: str
    mean: float | None
    low: float | None
    high: float | None
    colour: str
    marker: str
    size: float = 6.0

    @property
    def numbers(self) -> str:
        """The estimate and its interval, as figures."""
        if self.mean is None:
            return "none decided"
        if self.low is None or self.high is None:
            return f"{percent(self.mean)} (no interval)"
        return f"{percent(self.mean)} [{percent(self.low)}, {percent(self.high)}]"


Blocks = Sequence[tuple[str, Sequence[Row]]]
"""Names, and the rows below each."""


def _rows(result: Result, colours: Palette) -> tuple[Row, ...]:
    rate = result.rate
    decided, naive = rate.decided, rate.naive
    looks = ", all looks" if result.looks else ""
    first = Row(
        f"ties {'left out' if rate.ties_rule == 'drop' else 'half'}, clustered{looks}",
        rate.estimate.mean,
        *result.interval,
        colours.candidate,
        "o",
    )
    second = Row("decided only, clustered", decided.mean, decided.ci_low, decided.ci_high, colours.ink, "D")
    grey = Row(
        "decided only, independent (Wilson)",
        decided.mean,
        naive.wilson_low,
        naive.wilson_high,
        colours.tie,
        "s",
    )
    return (first, grey) if rate.ties_rule == "drop" else (first, second, grey)


@dataclass(frozen=True, slots=True)
class _Frame:
    """How lines are set: beside the intervals on a page, above them on a telephone."""

    left: float
    """Shares of the width for labels and for figures."""
    right: float
    step: float
    """Lines per estimate."""
    rise: float
    """How many lines the words stand above the interval."""
    letters: int
    """Of a label that has room."""

    @property
    def inner(self) -> float:
        return 1 - self.left - self.right


_WIDE = _Frame(0.36, 0.215, 1, 0, 44)
_NARROW = _Frame(0.02, 0.08, 1.8, 0.72, 36)
_LINE = 0.27
"""Inches per line."""
_MARGINS = 0.75
"""Inches for the words above and below the axes."""


def forest(results: Sequence[Result], look: Look) -> Figure:
    """Draw each criterion's estimates with their intervals."""
    return rows_figure([(result.criterion, _rows(result, look.colours)) for result in results], look)


def rows_figure(blocks: Blocks, look: Look) -> Figure:
    """Draw blocks of estimates with their intervals around the line of no preference."""
    colours, frame = look.colours, _NARROW if look.narrow else _WIDE
    lines = sum(1.35 + frame.step * len(rows) for _, rows in blocks)
    height = lines * style.line_height(_LINE, lines, _MARGINS, look) + _MARGINS
    figure, axes = style.canvas(look, height)
    axes.set_position((frame.left, 0.5 / height, frame.inner, 1 - _MARGINS / height))
    axes.set_xlim(0, 1)
    axes.set_ylim(lines, 0)
    _scale(axes, colours)
    y = 0.0
    for name, rows in blocks:
        y += 0.75
        _words(axes, frame, y, (style.short(name, frame.letters), ""), (colours.ink, colours.ink), bold=True)
        for row in rows:
            y += frame.step
            _interval(axes, frame, y, row, colours)
        y += 0.6
    return figure


def _scale(axes: Axes, colours: Palette) -> None:
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(axis="x", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    axes.axvline(0.5, color=colours.line, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.axhline(axes.get_ylim()[0], color=colours.line, linewidth=1)
    words = (
        ("center", (0.5, 1), 4, "no preference (50 %)"),
        ("left", (0, 0), -30, "← baseline preferred"),
        ("right", (1, 0), -30, "candidate preferred →"),
    )
    for side, place, shift, text in words:
        axes.annotate(
            text,
            place,
            xycoords="axes fraction",
            xytext=(0, shift),
            textcoords="offset points",
            color=colours.soft,
            fontsize=SMALL,
            ha=side,
        )


def _words(
    axes: Axes,
    frame: _Frame,
    y: float,
    texts: tuple[str, str],
    colours: tuple[str, str],
    *,
    bold: bool = False,
) -> None:
    """Write a label at the left edge and figures at the right one."""
    edges = (("left", -frame.left / frame.inner), ("right", 1 + frame.right / frame.inner))
    for (side, x), text, colour in zip(edges, texts, colours, strict=True):
        axes.annotate(
            text,
            (x, y),
            xycoords=("axes fraction", "data"),
            color=colour,
            fontsize=TEXT if bold else SMALL,
            fontweight="bold" if bold else "normal",
            ha=side,
            va="center",
            annotation_clip=False,
        )


def _interval(axes: Axes, frame: _Frame, y: float, row: Row, colours: Palette) -> None:
    figures = colours.soft if row.marker == "s" else colours.ink
    label = style.short(row.label, frame.letters)
    _words(axes, frame, y - frame.rise, (label, row.numbers), (colours.soft, figures))
    if row.mean is None:
        return
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=row.colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot([row.mean], [y], marker=row.marker, color=row.colour, markersize=row.size, clip_on=False)
