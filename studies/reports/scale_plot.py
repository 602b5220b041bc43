"""The win rate against the guidance scale, with intervals that hold for all scales at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from studies.analysis.absence import Absence
from studies.analysis.sentence import percent
from studies.analysis.several import SeveralArms
from studies.reports.chart import chart, rate_axis, under
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, Look


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
    figure, (axes,) = chart(look, 2.9 if look.narrow else 3.2)
    rate_axis(axes, colours)
    x = [point.scale for point in points]
    drawn = [point for point in points if point.low is not None and point.high is not None]
    axes.fill_between(
        [point.scale for point in drawn],
        [point.low or 0 for point in drawn],
        [point.high or 0 for point in drawn],
        color=colours.candidate,
        alpha=0.14,
        linewidth=0,
    )
    axes.plot(x, [point.mean for point in points], color=colours.candidate, linewidth=1.4)
    for point in drawn:
        axes.plot([point.scale] * 2, [point.low or 0, point.high or 0], color=colours.candidate, linewidth=2)
    axes.plot(x, [point.mean for point in points], "o", color=colours.candidate, markersize=6)
    for point in points:
        axes.annotate(
            percent(point.mean),
            (point.scale, point.mean),
            xytext=(6, 5),
            textcoords="offset points",
            color=colours.candidate_text,
            fontsize=SMALL,
        )
    axes.set_xticks(x, [f"{scale:g}" for scale in x])
    spread = (max(x) - min(x)) or 1.0
    axes.set_xlim(min(x) - 0.06 * spread, max(x) + 0.25 * spread)  # room for the line's name
    under(axes, "guidance scale of the candidate", colours)
    return figure
