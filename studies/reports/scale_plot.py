"""The win rate against the guidance scale, with intervals that hold for all scales at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from studies.analysis.absence import Absence
from studies.analysis.sentence import percent
from studies.analysis.several import SeveralArms
from studies.reports.chart import beside, rate_chart, under
from studies.reports.picture import Picture, draw
from studies.reports.style import Look

_FEW = 10
"""Scales whose intervals are drawn as bars; of more the band says enough."""


@dataclass(frozen=True, slots=True)
class ScalePoint:
    """One candidate: its scale, its win rate, and the simultaneous interval."""

    scale: float
    mean: float
    low: float | None
    high: float | None


def scale_points(several: SeveralArms, scales: dict[str, float]) -> list[ScalePoint]:
    """Return the points in order of their scale; none when a scale is unknown or shared, or no band."""
    band = several.band
    known = [scales[name] for name in several.candidates if name in scales]
    if isinstance(band, Absence) or len(set(known)) != len(several.candidates):
        return []
    columns = zip(known, band.means, band.ci_low, band.ci_high, strict=True)
    return sorted((ScalePoint(*row) for row in columns), key=lambda point: point.scale)


def scale_picture(points: Sequence[ScalePoint], title: str, *, simulated: bool) -> Picture:
    """Return the curve with its band."""
    said = " ".join(
        f"At {point.scale:g}: {percent(point.mean)} %"
        + ("." if point.low is None or point.high is None else f", {_span(point)}.")
        for point in points
    )
    words = f"The line of no preference is at 50 %. The intervals hold for all scales at once. {said}"
    return draw("guidance", (title, words), partial(_figure, points), simulated=simulated)


def _span(point: ScalePoint) -> str:
    return f"{percent(point.low or 0)} to {percent(point.high or 0)}"


def _figure(points: Sequence[ScalePoint], look: Look) -> Figure:
    colours = look.colours
    figure, (axes,) = rate_chart(look, 2.9 if look.narrow else 3.2)
    x = [point.scale for point in points]
    drawn = [point for point in points if point.low is not None and point.high is not None]
    axes.fill_between(
        x,
        [np.nan if point.low is None else point.low for point in points],
        [np.nan if point.high is None else point.high for point in points],
        color=colours.candidate,
        alpha=0.14,
        linewidth=0,
    )
    axes.plot(x, [point.mean for point in points], color=colours.candidate, linewidth=1.4)
    for point in drawn:
        axes.plot(
            [point.scale] * 2,
            [point.low or 0, point.high or 0],
            color=colours.candidate,
            linewidth=2 if len(points) <= _FEW else 0.8,
        )
    axes.plot(
        x,
        [point.mean for point in points],
        "o",
        color=colours.candidate,
        markersize=6 if len(points) <= _FEW else 4,
        clip_on=False,
    )
    spread = (max(x) - min(x)) or 1.0
    # On a telephone the name of the line of no preference stands inside, behind the last scale.
    axes.set_xlim(min(x) - 0.06 * spread, max(x) + (0.45 if look.narrow else 0.08) * spread)
    room = (axes.get_xlim()[1] - axes.get_xlim()[0]) / (5 if look.narrow else 14)
    for point in _apart(points, room):
        beside(axes, point.scale, point.mean, colours)
    ticks = [point.scale for point in _apart(points, 0.55 * room)]
    axes.set_xticks(ticks, [f"{scale:g}" for scale in ticks])
    under(axes, "guidance scale of the candidate", colours)
    return figure


def _apart(points: Sequence[ScalePoint], room: float) -> list[ScalePoint]:
    """Return the points whose words have room: of crowded ones the first of each stretch, and the last."""
    kept: list[ScalePoint] = []
    for point in points[:-1]:
        if (not kept or point.scale - kept[-1].scale >= room) and points[-1].scale - point.scale >= room:
            kept.append(point)
    return [*kept, points[-1]]
