"""Position and length: the win rate by the candidate's slot, and by how much longer its text was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.absence import Absence
from studies.analysis.panels import Point
from studies.analysis.regression import Prediction
from studies.analysis.result import Result
from studies.analysis.sentence import percent
from studies.reports.chart import beside, rate_chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, Look

SLOTS = {1.0: "candidate in slot A", 0.0: "candidate in slot B"}


def position_picture(result: Result, *, simulated: bool) -> Picture | None:
    """Return the panel of slots; None where no slot is known."""
    points = result.panels.slots if result.panels else ()
    if not points:
        return None
    title = f"Win rate of {result.pair.candidate} by the slot that it stood in"
    words = " ".join(f"With the {SLOTS[point.at]}: {_said(point)}" for point in points)
    return draw("position", (title, words), partial(_slots, points), simulated=simulated)


def length_picture(result: Result, *, simulated: bool) -> Picture | None:
    """Return the panel of lengths, with the win rate at equal length; None unless lengths differ."""
    points = result.panels.lengths if result.panels else ()
    if len(points) < 2:  # noqa: PLR2004 - one difference shows no trend
        return None
    adjusted = result.models.adjusted if result.models else None
    equal = None if adjusted is None or isinstance(adjusted, Absence) else adjusted.equal_length
    title = f"Win rate of {result.pair.candidate} by how much longer its text was"
    words = " ".join(f"{point.at:+.0f} tokens: {_said(point)}" for point in points)
    if equal is not None:
        words += f" At equal length, of decided judgments: {percent(equal.win_rate)} %."
    return draw("length", (title, words), partial(_lengths, points, equal), simulated=simulated)


def _said(point: Point) -> str:
    if point.win_rate is None:
        return "no judgments."
    span = ""
    if point.ci_low is not None and point.ci_high is not None:
        span = f", {percent(point.ci_low)} to {percent(point.ci_high)}"
    return f"{percent(point.win_rate)} %{span} ({point.n} judgments)."


def _slots(points: Sequence[Point], look: Look) -> Figure:
    figure, (axes,) = rate_chart(look, 2.2)
    _points(axes, points, list(range(len(points))), look)
    axes.set_xlim(-0.6, len(points) - 0.4)
    axes.set_xticks(range(len(points)), [SLOTS[point.at] for point in points])
    return figure


def _lengths(points: Sequence[Point], equal: Prediction | None, look: Look) -> Figure:
    colours = look.colours
    figure, (axes,) = rate_chart(look, 2.8)
    lines: tuple[float, ...] = (0.5,)
    if equal is not None and equal.ci_low is not None and equal.ci_high is not None:
        axes.axhspan(equal.ci_low, equal.ci_high, color=colours.tie, alpha=0.18, linewidth=0)
        axes.axhline(equal.win_rate, color=colours.tie, linewidth=1.2)
        lines = (0.5, equal.win_rate)
        axes.annotate(
            f"grey: at equal length {percent(equal.win_rate)} %",
            (0.01, 0.05),
            xycoords="axes fraction",
            color=colours.soft,
            fontsize=SMALL,
        )
    _points(axes, points, [point.at for point in points], look, lines)
    axes.margins(x=0.08)
    words = "more tokens than the baseline" if look.narrow else "candidate’s tokens less the baseline’s"
    under(axes, words, colours)
    return figure


def _points(
    axes: Axes,
    points: Sequence[Point],
    places: Sequence[float],
    look: Look,
    lines: tuple[float, ...] = (0.5,),
) -> None:
    colours = look.colours
    for point, x in zip(points, places, strict=True):
        if point.win_rate is None:
            continue
        if point.ci_low is not None and point.ci_high is not None:
            axes.vlines(x, point.ci_low, point.ci_high, color=colours.candidate, linewidth=2)
        axes.plot([x], [point.win_rate], "o", color=colours.candidate, markersize=6, clip_on=False)
        if look.narrow and len(points) > 2:  # noqa: PLR2004 - there is no room beside more than two
            continue
        beside(axes, x, point.win_rate, colours, lines=lines)
