"""Bradley-Terry scores of all arms on one scale, with their intervals and the ranks they can have."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.analysis.bradley_terry import ArmScore, BradleyTerry
from studies.reports import style
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, TEXT, Look

_LETTERS, _MOST_LETTERS = 24, 34
"""Of the arms' names on a page: that fit beside wide intervals, and beside narrower ones."""
_LINE, _MARGINS = 0.3, 0.85
"""Inches per arm, and for the words above and below."""


def score_picture(found: BradleyTerry, baseline: str, *, simulated: bool) -> Picture:
    """Return the scores, best first."""
    said = " ".join(_said(arm) for arm in found.arms)
    title = "Scores of all arms, with simultaneous sets of ranks"
    return draw("scores", (title, said), partial(_figure, found, baseline), simulated=simulated)


def _said(arm: ArmScore) -> str:
    span = (
        ""
        if arm.ci_low is None or arm.ci_high is None
        else f", interval {arm.ci_low:.2f} to {arm.ci_high:.2f}"
    )
    return f"{arm.name}: {arm.score:.2f}{span}{f', {_ranks(arm)}' if arm.rank_low else ''}."


def _ranks(arm: ArmScore) -> str:
    if arm.rank_low is None:
        return ""
    return (
        f"rank {arm.rank_low}"
        if arm.rank_low == arm.rank_high
        else f"ranks {arm.rank_low} to {arm.rank_high}"
    )


def _figure(found: BradleyTerry, baseline: str, look: Look) -> Figure:
    colours, arms = look.colours, found.arms
    step = 2 * _LINE if look.narrow else style.line_height(_LINE, len(arms), _MARGINS, look)
    height = step * len(arms) + _MARGINS
    figure, axes = style.canvas(look, height)
    longest = max(len(arm.name) for arm in arms)
    left, right = (0.03, 0.05) if look.narrow else (0.26 if longest <= _LETTERS else 0.36, 0.15)
    axes.set_position((left, 0.55 / height, 1 - left - right, step * len(arms) / height))
    ends = [value for arm in arms for value in (arm.score, arm.ci_low, arm.ci_high) if value is not None]
    reach = 1.08 * max(map(abs, ends), default=1.0) or 1.0
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.tick_params(axis="x", colors=colours.soft, labelsize=SMALL, length=3, width=0.8)
    axes.axvline(0, color=colours.line, linewidth=1, linestyle=(0, (4, 3)))
    for row, arm in enumerate(arms):
        _arm(axes, row, arm, look, colour=colours.baseline if arm.name == baseline else colours.candidate)
    for x, y, text in ((0.5, 1.0, "mean of all arms"), (0.5, 0.0, "log-strength")):
        axes.annotate(
            text,
            (x, y),
            xycoords="axes fraction",
            xytext=(0, 5 if y else -31),
            textcoords="offset points",
            color=colours.soft,
            fontsize=SMALL,
            ha="center",
        )
    return figure


def _arm(axes: Axes, row: int, arm: ArmScore, look: Look, *, colour: str) -> None:
    colours = look.colours
    if arm.ci_low is not None and arm.ci_high is not None:
        axes.plot([arm.ci_low, arm.ci_high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot([arm.score], [row], "o", color=colour, markersize=6)
    y = row - 0.35 if look.narrow else row
    for x, text, side, ink, shift in (
        (
            0,
            style.short(arm.name, 30 if look.narrow else _MOST_LETTERS),
            "left" if look.narrow else "right",
            colours.ink,
            0 if look.narrow else -8,
        ),
        (1, _ranks(arm), "right" if look.narrow else "left", colours.soft, 0 if look.narrow else 8),
    ):
        axes.annotate(
            text,
            (x, y),
            xycoords=("axes fraction", "data"),
            xytext=(shift, 0),
            textcoords="offset points",
            color=ink,
            fontsize=TEXT if x == 0 else SMALL,
            ha=side,
            va="center",
            annotation_clip=False,
        )
