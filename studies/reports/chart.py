"""Axes with win rates upwards: the line of no preference is named, labels stand at what they name."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.reports import style
from studies.reports.style import SMALL, Look, Palette

LEFT, RIGHT, BOTTOM, TOP = 0.52, 0.12, 0.5, 0.12
"""Inches around the axes."""


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


def rate_axis(axes: Axes, colours: Palette, *, low: float = 0.0, high: float = 1.0) -> None:
    """Draw the scale of win rates, and the line of no preference."""
    axes.set_ylim(low, high)
    ticks = [tick / 100 for tick in range(0, 101, 25 if high - low > 0.6 else 10)]  # noqa: PLR2004 - room for more
    shown = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(shown, [f"{100 * tick:.0f} %" for tick in shown])
    axes.tick_params(axis="both", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    axes.axhline(0.5, color=colours.line, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        "no preference",
        (1, 0.5),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=colours.soft,
        fontsize=SMALL,
        ha="right",
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
