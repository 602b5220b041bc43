"""How much annotators and prompts differ: each one's win rate, shrunk to the mean, in order."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.absence import Absence
from studies.analysis.further import Heterogeneity
from studies.analysis.heterogeneity import Shrinkage
from studies.analysis.sentence import percent
from studies.reports.chart import rate_chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import Look

_MOST = 400
"""Clusters drawn one by one; of more, evenly chosen ones show the shape."""


def caterpillar_picture(found: Heterogeneity, candidate: str, *, simulated: bool) -> Picture | None:
    """Return the panels of annotators and prompts that there are; None without any."""
    panels = [
        (word, part)
        for word, part in (("annotator", found.annotators), ("prompt", found.prompts))
        if not isinstance(part, Absence)
    ]
    if not panels:
        return None
    said = " ".join(_said(word, part) for word, part in panels)
    title = f"How much annotators and prompts differ in their preference for {candidate}"
    return draw("heterogeneity", (title, said), partial(_figure, panels), simulated=simulated)


def _said(word: str, part: Shrinkage) -> str:
    shrunk = [rate.shrunk for rate in part.rates]
    return (
        f"Over {len(shrunk)} {word}s the win rates, shrunk to their mean of {percent(part.mean)} %, go from "
        f"{percent(min(shrunk))} % to {percent(max(shrunk))} %."
    )


def _figure(panels: list[tuple[str, Shrinkage]], look: Look) -> Figure:
    figure, axes = rate_chart(look, 2.0, panels=len(panels), bottom=0.36)
    for each, (word, part) in zip(axes, panels, strict=True):
        _panel(each, word, part, look)
    return figure


def _panel(axes: Axes, word: str, part: Shrinkage, look: Look) -> None:
    colours = look.colours
    rates = sorted(part.rates, key=lambda rate: rate.shrunk)
    if len(rates) > _MOST:
        rates = [rates[index] for index in np.linspace(0, len(rates) - 1, _MOST).astype(int)]
    x = np.arange(1, len(rates) + 1)
    low, high = [rate.low for rate in rates], [rate.high for rate in rates]
    axes.vlines(x, low, high, color=colours.line, linewidth=max(0.5, min(2.0, 120 / len(rates))))
    # A rate of 0 or 100 % lies on the edge, which would cut its cross in two.
    raw = [rate.raw for rate in rates]
    axes.plot(x, raw, "x", color=colours.tie, markersize=3.2, markeredgewidth=0.8, clip_on=False)
    axes.plot(x, [rate.shrunk for rate in rates], "o", color=colours.candidate, markersize=3.2)
    axes.set_xticks([])
    # On a telephone the name of the line of no preference stands inside, behind the last of them.
    axes.set_xlim(0, (1.45 if look.narrow else 1.0) * (len(rates) + 1))
    axes.axhline(part.mean, color=colours.candidate, linewidth=0.8)
    under(axes, _key(word, part, look), colours, drop=14)


def _key(word: str, part: Shrinkage, look: Look) -> str:
    """Return what the marks mean; the mean stands here because points would cover its name."""
    if not part.between:
        return f"{len(part.rates)} {word}s, × raw; beyond chance they are all at ● {percent(part.mean)} %"
    if look.narrow:
        return f"{len(part.rates)} {word}s, ● shrunk to {percent(part.mean)} %, × raw"
    return (
        f"{len(part.rates)} {word}s in order: ● shrunk to the mean of {percent(part.mean)} %, with interval; "
        "× raw"
    )
