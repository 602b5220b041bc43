"""The report's pictures. Each says its finding in words too, for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.result import Result
from studies.analysis.sentence import percent
from studies.reports import style
from studies.reports.forest import forest
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, TEXT, Look


def pictures(results: Sequence[Result], *, simulated: bool) -> tuple[Picture, ...]:
    """Return the pictures of one pair of arms; none where there is nothing to draw."""
    drawable = [result for result in results if result.rate.estimate.mean is not None]
    if not drawable:
        return ()
    candidate, baseline = drawable[0].pair
    return (
        draw(
            "outcomes",
            (f"How often each side was preferred: {candidate} or {baseline}", outcome_words(drawable)),
            partial(outcome_bars, drawable),
            simulated=simulated,
        ),
        draw(
            "win-rates",
            (f"Win rate of {candidate}, with the interval that clustering asks for", forest_words(drawable)),
            partial(forest, drawable),
            simulated=simulated,
        ),
    )


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
        low, high = result.interval
        if low is not None and high is not None:
            text += f", clustered interval {percent(low)} to {percent(high)}"
        if naive.wilson_low is not None and naive.wilson_high is not None:
            text += f", naive interval {percent(naive.wilson_low)} to {percent(naive.wilson_high)}"
        said.append(f"{text}.")
    return f"The line of no preference is at 50 %. {' '.join(said)}"


_BAND, _NARROW_BAND = 0.78, 0.98
"""Inches of height per criterion in the bars; on a telephone the ties have a line of their own."""


def outcome_bars(results: Sequence[Result], look: Look) -> Figure:
    """Draw one stacked bar per criterion, labelled directly."""
    band = _NARROW_BAND if look.narrow else _BAND
    figure, axes = style.canvas(look, band * len(results) + 0.1)
    axes.set_xlim(-0.005, 1.005)
    axes.set_ylim(band * len(results), -0.1)
    axes.set_xticks([])
    for row, result in enumerate(results):
        _bar(axes, row * band, result, look)
        _bar_labels(axes, row * band, result, look)
    return figure


def _bar(axes: Axes, top: float, result: Result, look: Look) -> None:
    rate, colours = result.rate, look.colours
    segments = (
        (rate.wins, colours.candidate, ""),
        (rate.ties, colours.tie, ""),
        (rate.both_bad, colours.tie, "////"),
        (rate.losses, colours.baseline, ""),
    )
    left = 0.0
    for count, colour, hatch in segments:
        width = count / _total(result)
        axes.barh(
            top + 0.55, width, 0.28, left, color=colour, hatch=hatch, edgecolor=colours.soft, linewidth=0
        )
        left += width


def _bar_labels(axes: Axes, top: float, result: Result, look: Look) -> None:
    rate, colours, total = result.rate, look.colours, _total(result)
    axes.text(
        0, top + 0.09, result.criterion, color=colours.ink, fontsize=TEXT, fontweight="bold", va="center"
    )
    beside = top + 0.31
    candidate, baseline = (style.short(name, 17 if look.narrow else 30) for name in result.pair)
    words = (
        ("left", 0, beside, f"{candidate} {_count(rate.wins, total)}", colours.candidate_text),
        ("center", 0.5, top + 0.8 if look.narrow else beside, _ties(result, total), colours.soft),
        ("right", 1, beside, f"{baseline} {_count(rate.losses, total)}", colours.baseline_text),
    )
    for side, x, y, text, colour in words:
        axes.text(x, y, text, color=colour, fontsize=SMALL, ha=side, va="center")


def _total(result: Result) -> int:
    return result.rate.wins + result.rate.ties + result.rate.both_bad + result.rate.losses


def _count(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.0f} %)"


def _ties(result: Result, total: int) -> str:
    text = f"tie {_count(result.rate.ties, total)}"
    return f"{text}, both bad {_count(result.rate.both_bad, total)}" if result.rate.both_bad else text
