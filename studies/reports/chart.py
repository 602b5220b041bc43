"""Axes with win rates upwards: the line of no preference is named, labels stand at what they name."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.sentence import percent
from studies.reports import style
from studies.reports.style import SMALL, Look, Palette

LEFT, RIGHT, BOTTOM, TOP = 0.52, 0.12, 0.5, 0.12
"""Inches around the axes."""
NAMED = 0.98
"""Inches beside wide axes in which the line of no preference has its name."""

_NEAR = 0.06
"""So close to a line a figure beside its point would be struck through."""


def chart(
    look: Look, height: float, *, panels: int = 1, right: float = RIGHT, bottom: float = BOTTOM
) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels below each other, each ``height`` inches high with its words."""
    figure, first = style.canvas(look, height * panels)
    axes = [first, *(figure.add_axes((0, 0, 1, 1)) for _ in range(panels - 1))]
    width, total = look.width, height * panels
    for number, each in enumerate(axes):
        low = (total - height * (number + 1) + bottom) / total
        each.set_position((LEFT / width, low, 1 - (LEFT + right) / width, (height - bottom - TOP) / total))
        each.set_frame_on(False)
        each.patch.set_alpha(0)
    return figure, axes


def rate_chart(
    look: Look, height: float, *, panels: int = 1, bottom: float = BOTTOM
) -> tuple[Figure, list[Axes]]:
    """Return panels with the scale of win rates, and beside them room for the name of their line."""
    right = RIGHT if look.narrow else NAMED
    figure, axes = chart(look, height, panels=panels, right=right, bottom=bottom)
    for each in axes:
        _rate_axis(each, look)
    return figure, axes


def _rate_axis(axes: Axes, look: Look) -> None:
    """Draw the scale of win rates, and the line of no preference: named at its end where there is room."""
    colours = look.colours
    axes.set_ylim(0, 1)
    ticks = (0, 0.25, 0.5, 0.75, 1)
    axes.set_yticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
    axes.tick_params(axis="both", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    axes.axhline(0.5, color=colours.line, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        "no preference",
        (1, 0.5),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3) if look.narrow else (5, 0),
        textcoords="offset points",
        color=colours.soft,
        fontsize=SMALL,
        ha="right" if look.narrow else "left",
        va="bottom" if look.narrow else "center",
        annotation_clip=False,
    )


def beside(axes: Axes, x: float, rate: float, colours: Palette, *, lines: Sequence[float] = (0.5,)) -> None:
    """Write a win rate beside its point, on the side that no horizontal line crosses."""
    nearest = min(lines, key=lambda line: abs(line - rate))
    rise = 5 if rate >= nearest else -11
    axes.annotate(
        percent(rate),
        (x, rate),
        xytext=(7, rise if abs(nearest - rate) < _NEAR else -3),
        textcoords="offset points",
        color=colours.candidate_text,
        fontsize=SMALL,
    )


def under(axes: Axes, text: str, colours: Palette, *, drop: float = 31) -> None:
    """Write what the axis below the panel counts, so many points below it."""
    axes.annotate(
        text,
        (0.5, 0),
        xycoords="axes fraction",
        xytext=(0, -drop),
        textcoords="offset points",
        color=colours.soft,
        fontsize=SMALL,
        ha="center",
    )
