"""The report's pictures. Each says its finding in words too, for those who cannot see it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.result import Result
from studies.analysis.sentence import percent
from studies.reports import style
from studies.reports.style import SMALL, TEXT, Palette


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in both schemes, with its words."""

    name: str
    title: str
    alternative: str
    light: bytes
    dark: bytes

    @property
    def light_uri(self) -> str:
        """The light picture as a data URI."""
        return _data_uri(self.light)

    @property
    def dark_uri(self) -> str:
        """The dark picture as a data URI."""
        return _data_uri(self.dark)


def _data_uri(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"


Draw = Callable[[Sequence[Result], Palette], Figure]


def pictures(results: Sequence[Result], *, simulated: bool) -> tuple[Picture, ...]:
    """Return the pictures of one pair of arms; none where there is nothing to draw."""
    drawable = [result for result in results if result.rate.estimate.mean is not None]
    if not drawable:
        return ()
    candidate, baseline = drawable[0].pair
    return (
        _picture(
            "outcomes",
            f"How often each side was preferred: {candidate} or {baseline}",
            outcome_words(drawable),
            _both(outcome_bars, drawable, simulated=simulated),
        ),
        _picture(
            "win-rates",
            f"Win rate of {candidate}, with the interval that clustering asks for",
            forest_words(drawable),
            _both(forest, drawable, simulated=simulated),
        ),
    )


def _picture(name: str, title: str, words: str, schemes: tuple[bytes, bytes]) -> Picture:
    return Picture(name, title, words, *schemes)


def _both(draw: Draw, results: Sequence[Result], *, simulated: bool) -> tuple[bytes, bytes]:
    schemes = []
    for dark in (False, True):
        colours = style.palette(dark=dark)
        figure = draw(results, colours)
        if simulated:
            style.watermark(figure, colours)
        schemes.append(style.svg(figure))
    return schemes[0], schemes[1]


def outcome_words(results: Sequence[Result]) -> str:
    """Return the alternative text of the bars."""
    return " ".join(
        f"{r.criterion}: {r.pair.candidate} preferred in {r.rate.wins}, ties {r.rate.ties}, "
        f"both bad {r.rate.both_bad}, {r.pair.baseline} preferred in {r.rate.losses}."
        for r in results
    )


def forest_words(results: Sequence[Result]) -> str:
    """Return the alternative text of the forest plot."""
    said = []
    for result in results:
        estimate, naive = result.rate.estimate, result.rate.naive
        text = f"{result.criterion}: {percent(estimate.mean or 0)} %"
        if estimate.ci_low is not None and estimate.ci_high is not None:
            text += f", clustered interval {percent(estimate.ci_low)} to {percent(estimate.ci_high)}"
        if naive.wilson_low is not None and naive.wilson_high is not None:
            text += f", naive interval {percent(naive.wilson_low)} to {percent(naive.wilson_high)}"
        said.append(f"{text}.")
    return f"The line of no preference is at 50 %. {' '.join(said)}"


_BAND = 0.78
"""Inches of height per criterion in the bars."""


def outcome_bars(results: Sequence[Result], colours: Palette) -> Figure:
    """Draw one stacked bar per criterion, labelled directly."""
    figure, axes = style.canvas(_BAND * len(results) + 0.1)
    axes.set_xlim(-0.005, 1.005)
    axes.set_ylim(len(results), -0.13)
    axes.set_xticks([])
    for row, result in enumerate(results):
        _bar(axes, row, result, colours)
    return figure


def _bar(axes: Axes, row: int, result: Result, colours: Palette) -> None:
    rate = result.rate
    total = rate.wins + rate.ties + rate.both_bad + rate.losses
    segments = (
        (rate.wins, colours.candidate, ""),
        (rate.ties, colours.tie, ""),
        (rate.both_bad, colours.tie, "////"),
        (rate.losses, colours.baseline, ""),
    )
    left = 0.0
    for count, colour, hatch in segments:
        width = count / total
        axes.barh(
            row + 0.7, width, 0.36, left, color=colour, hatch=hatch, edgecolor=colours.soft, linewidth=0
        )
        left += width
    axes.text(
        0, row + 0.12, result.criterion, color=colours.ink, fontsize=TEXT, fontweight="bold", va="center"
    )
    words = {
        "left": (0, f"{result.pair.candidate} {_count(rate.wins, total)}", colours.candidate_text),
        "center": (0.5, _ties(result, total), colours.soft),
        "right": (1, f"{result.pair.baseline} {_count(rate.losses, total)}", colours.baseline_text),
    }
    for side, (x, text, colour) in words.items():
        axes.text(x, row + 0.4, text, color=colour, fontsize=SMALL, ha=side, va="center")


def _count(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.0f} %)"


def _ties(result: Result, total: int) -> str:
    text = f"tie {_count(result.rate.ties, total)}"
    return f"{text}, both bad {_count(result.rate.both_bad, total)}" if result.rate.both_bad else text


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the forest: a label, an estimate, an interval, a look."""

    label: str
    mean: float | None
    low: float | None
    high: float | None
    colour: str
    marker: str

    @property
    def numbers(self) -> str:
        if self.mean is None:
            return "none decided"
        if self.low is None or self.high is None:
            return f"{percent(self.mean)} (no interval)"
        return f"{percent(self.mean)} [{percent(self.low)}, {percent(self.high)}]"


def _rows(result: Result, colours: Palette) -> tuple[_Row, ...]:
    rate = result.rate
    decided, naive = rate.decided, rate.naive
    first = _Row(
        f"ties {'left out' if rate.ties_rule == 'drop' else 'half'}, clustered",
        rate.estimate.mean,
        rate.estimate.ci_low,
        rate.estimate.ci_high,
        colours.candidate,
        "o",
    )
    second = _Row("decided only, clustered", decided.mean, decided.ci_low, decided.ci_high, colours.ink, "D")
    grey = _Row(
        "decided only, independent (Wilson)",
        decided.mean,
        naive.wilson_low,
        naive.wilson_high,
        colours.tie,
        "s",
    )
    return (first, grey) if rate.ties_rule == "drop" else (first, second, grey)


_LINE = 0.27
"""Inches per line of the forest."""
_LEFT, _RIGHT = 0.36, 0.215
"""Shares of the width for labels and for figures."""


def forest(results: Sequence[Result], colours: Palette) -> Figure:
    """Draw each criterion's estimates with their intervals around the line of no preference."""
    blocks = [(result.criterion, _rows(result, colours)) for result in results]
    lines = sum(1.35 + len(rows) for _, rows in blocks)
    height = lines * _LINE + 0.75
    figure, axes = style.canvas(height)
    axes.set_position((_LEFT, 0.5 / height, 1 - _LEFT - _RIGHT, 1 - 0.75 / height))
    axes.set_xlim(0, 1)
    axes.set_ylim(lines, 0)
    _scale(axes, colours)
    y = 0.0
    for name, rows in blocks:
        y += 0.75
        _label(axes, y, name, colours.ink, bold=True)
        for row in rows:
            y += 1
            _interval(axes, y, row, colours)
        y += 0.6
    return figure


def _scale(axes: Axes, colours: Palette) -> None:
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(axis="x", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    axes.axvline(0.5, color=colours.line, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.axhline(axes.get_ylim()[0], color=colours.line, linewidth=1)
    axes.annotate(
        "no preference (50 %)",
        (0.5, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        color=colours.soft,
        fontsize=SMALL,
        ha="center",
    )
    ends = (("left", 0.0, "← baseline preferred"), ("right", 1.0, "candidate preferred →"))
    for side, x, text in ends:
        axes.annotate(
            text,
            (x, 0),
            xycoords="axes fraction",
            xytext=(0, -30),
            textcoords="offset points",
            color=colours.soft,
            fontsize=SMALL,
            ha=side,
        )


def _label(axes: Axes, y: float, text: str, colour: str, *, bold: bool = False) -> None:
    axes.annotate(
        text,
        (-_LEFT / (1 - _LEFT - _RIGHT), y),
        xycoords=("axes fraction", "data"),
        color=colour,
        fontsize=TEXT if bold else SMALL,
        fontweight="bold" if bold else "normal",
        va="center",
        annotation_clip=False,
    )


def _interval(axes: Axes, y: float, row: _Row, colours: Palette) -> None:
    _label(axes, y, row.label, colours.soft)
    if row.mean is not None:
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [y, y], color=row.colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([row.mean], [y], marker=row.marker, color=row.colour, markersize=6, clip_on=False)
    axes.annotate(
        row.numbers,
        (1 + _RIGHT / (1 - _LEFT - _RIGHT), y),
        xycoords=("axes fraction", "data"),
        color=colours.soft if row.marker == "s" else colours.ink,
        fontsize=SMALL,
        ha="right",
        va="center",
        annotation_clip=False,
    )
