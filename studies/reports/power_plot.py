"""What the finished study could have shown: power against the true win rate."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from studies.analysis.further import Sensitivity
from studies.analysis.planning import achieved_power
from studies.analysis.sentence import percent
from studies.reports.chart import chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, Look


def power_picture(found: Sensitivity, alpha: float, *, simulated: bool) -> Picture:
    """Return the power curve at the achieved standard error."""
    words = (
        f"Power rises from {100 * alpha:g} % at a true win rate of 50 % and reaches {100 * found.power:g} "
        f"% at {percent(found.smallest_detectable)} %."
    )
    title = "What a study of this precision shows, by the win rate that is true"
    return draw("power", (title, words), partial(_figure, found, alpha), simulated=simulated)


def _figure(found: Sensitivity, alpha: float, look: Look) -> Figure:
    colours = look.colours
    figure, (axes,) = chart(look, 2.6, right=0.3)
    rates = np.linspace(0.5, 1.0, 101)
    power = [
        alpha if rate == 0.5 else achieved_power(found.se, found.df, win_rate=float(rate), alpha=alpha)  # noqa: PLR2004 - the null
        for rate in rates
    ]
    axes.plot(rates, power, color=colours.candidate, linewidth=1.8)
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
        (x, y),
        xytext=(8, -12),
        textcoords="offset points",
        color=colours.candidate_text,
        fontsize=SMALL,
    )
    under(axes, "true win rate of the candidate", colours)
    return figure
