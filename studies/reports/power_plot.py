"""What the finished study could have shown: power against the true win rate."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.further import Sensitivity
from studies.analysis.planning import Power, achieved_power
from studies.analysis.records import Floats
from studies.analysis.sentence import percent
from studies.reports.chart import chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, Look

_ROOM, _ROOM_NARROW = 0.13, 0.27
"""How much of the axis the words at the point are wide, on a page and on a telephone."""


def power_picture(
    found: Sensitivity, alpha: float, planned: Power | None = None, *, simulated: bool
) -> Picture:
    """Return the power curve at the achieved standard error, and at the planned one."""
    words = f"Power rises from {100 * alpha:g} % at a true win rate of 50 % and {_reached(found)}."
    if planned is not None:
        words += f" The planned curve belongs to a standard error of {planned.se:.4f}."
    title = "What a study of this precision shows, by the win rate that is true"
    return draw("power", (title, words), partial(_figure, found, alpha, planned), simulated=simulated)


def _reached(found: Sensitivity) -> str:
    level = f"{100 * found.power:g} %"
    if found.smallest_detectable is None:
        return f"stays below {level} whatever the win rate"
    return f"reaches {level} at {percent(found.smallest_detectable)} %"


def _figure(found: Sensitivity, alpha: float, planned: Power | None, look: Look) -> Figure:
    colours = look.colours
    figure, (axes,) = chart(look, 2.6, right=0.3)
    rates = np.linspace(0.5, 1.0, 101)
    power = _curve(rates, found.se, found.df, alpha)
    axes.plot(rates, power, color=colours.candidate, linewidth=1.8)
    if planned is not None and planned.se:
        expected = _curve(rates, planned.se, planned.df, alpha)
        axes.plot(rates, expected, color=colours.tie, linewidth=1.4, linestyle=(0, (2, 2)))
        axes.annotate(
            "planned (dotted)",
            (0.98, 0.18),
            xycoords="axes fraction",
            color=colours.soft,
            fontsize=SMALL,
            ha="right",
        )
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0.5, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xticks([0.5, 0.6, 0.7, 0.8, 0.9, 1], ["50 %", "60 %", "70 %", "80 %", "90 %", "100 %"])
    axes.tick_params(axis="both", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    _mark(axes, found, look)
    under(axes, "true win rate of the candidate", colours)
    return figure


def _mark(axes: Axes, found: Sensitivity, look: Look) -> None:
    """Mark the win rate that is shown with the power asked for, or say that none is."""
    colours, x, y = look.colours, found.smallest_detectable, found.power
    if x is None:
        words, place = f"{100 * y:g} % power is not reached", (0.5, y)
        axes.axhline(y, color=colours.line, linewidth=1, linestyle=(0, (4, 3)))
    else:
        words, place = f"{100 * y:g} % power at {percent(x)} %", (x, 0.0)
        axes.plot([0.5, x, x], [y, y, 0], color=colours.line, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot([x], [y], "o", color=colours.candidate, markersize=6)
    # Above the dashed line where that is long enough for the words, else at its foot.
    above = x is None or x - 0.5 >= (_ROOM_NARROW if look.narrow else _ROOM)
    axes.annotate(
        words,
        (0.5, y) if above else place,
        xytext=(5, 4) if above else (6, 5),
        textcoords="offset points",
        color=colours.candidate_text,
        fontsize=SMALL,
    )


def _curve(rates: Floats, se: float, df: int, alpha: float) -> list[float]:
    return [
        alpha if rate == 0.5 else achieved_power(se, df, win_rate=rate, alpha=alpha)  # noqa: PLR2004 - the null
        for rate in rates.tolist()
    ]
