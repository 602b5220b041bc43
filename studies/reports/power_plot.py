"""What the finished study could have shown: power against the true win rate."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from studies.analysis.further import Sensitivity
from studies.analysis.planning import Power, achieved_power
from studies.analysis.records import Floats
from studies.analysis.sentence import percent
from studies.reports.chart import chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, Look


def power_picture(
    found: Sensitivity, alpha: float, planned: Power | None = None, *, simulated: bool
) -> Picture:
    """Return the power curve at the achieved standard error, and at the planned one."""
    words = (
        f"Power rises from {100 * alpha:g} % at a true win rate of 50 % and reaches {100 * found.power:g} "
        f"% at {percent(found.smallest_detectable)} %."
    )
    if planned is not None:
        words += f" The planned curve belongs to a standard error of {planned.se:.4f}."
    title = "What a study of this precision shows, by the win rate that is true"
    return draw("power", (title, words), partial(_figure, found, alpha, planned), simulated=simulated)


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
            (0.98, 0.07),
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
    x, y = found.smallest_detectable, found.power
    axes.plot([0.5, x, x], [y, y, 0], color=colours.line, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot([x], [y], "o", color=colours.candidate, markersize=6)
    axes.annotate(
        f"{100 * y:g} % power at {percent(x)} %",
        (0.98, 0.18),
        xycoords="axes fraction",
        ha="right",
        color=colours.candidate_text,
        fontsize=SMALL,
    )
    under(axes, "true win rate of the candidate", colours)
    return figure


def _curve(rates: Floats, se: float, df: int, alpha: float) -> list[float]:
    return [
        alpha if rate == 0.5 else achieved_power(se, df, win_rate=rate, alpha=alpha)  # noqa: PLR2004 - the null
        for rate in rates.tolist()
    ]
