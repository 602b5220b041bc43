"""The flow as a picture, in the manner of CONSORT: what went on, and beside it what left."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from studies.reports import style
from studies.reports.flow import Flow
from studies.reports.picture import Picture, draw
from studies.reports.style import SMALL, TEXT, Look, Palette

Step = tuple[str, str]
"""What went on to here, and what left at this step (may be empty)."""
_BOX, _GAP = 0.36, 0.22
"""Inches of a box's height, and between two."""


def flow_picture(flow: Flow, *, simulated: bool) -> Picture:
    """Return the flow chart."""
    steps = flow_words(flow)
    said = " ".join(f"{went}{f' ({left})' if left else ''}." for went, left in steps)
    title = "From prompts to the judgments that are analysed"
    return draw("flow", (title, said), partial(_figure, steps), simulated=simulated)


def flow_words(flow: Flow) -> list[Step]:
    """Return the steps in words."""
    people = _joined(
        (flow.annotators_declined, "declined"),
        (flow.annotators_consented - flow.annotators_judged, "consented and judged nothing"),
    )
    left_out = _joined(
        (flow.judgments_of_checks, "of checks and repeats"),
        (flow.judgments_excluded, f"excluded by rule, of {_people(flow.annotators_excluded)}"),
    )
    unfilled = flow.assignments_planned - flow.assignments_filled
    return [
        (
            f"{_n(flow.prompts, 'prompt')}, {_n(flow.completions, 'completion')}",
            _joined((flow.completions_failed, "could not be written")),
        ),
        (
            _n(flow.comparisons, "comparison"),
            _joined((flow.identical_pairs, "with identical texts, not shown")),
        ),
        (_n(flow.assignments_planned, "assignment") + " planned", _joined((unfilled, "not filled"))),
        (_n(flow.annotators_arrived, "annotator") + " came", people),
        (
            f"{_n(flow.assignments_filled, 'assignment')} filled by {_people(flow.annotators_judged)}",
            _joined((flow.skips, "skipped")),
        ),
        (_n(flow.judgments, "judgment"), left_out),
        (_n(flow.judgments_analysed, "judgment") + " analysed", ""),
    ]


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}".replace(",", "\u202f")


def _people(count: int) -> str:
    return _n(count, "annotator")


def _joined(*parts: tuple[int, str]) -> str:
    return ", ".join(f"{count:,} {words}".replace(",", "\u202f") for count, words in parts if count > 0)


def _figure(steps: list[Step], look: Look) -> Figure:
    drop = 0.2 if look.narrow else 0.0  # on a telephone what left stands below its box
    heights = [_BOX + (drop if left else 0.0) for _, left in steps]
    height = sum(heights) + _GAP * (len(steps) - 1) + 0.1
    figure, axes = style.canvas(look, height)
    axes.set_xlim(0, look.width)
    axes.set_ylim(height, 0)
    axes.set_xticks([])
    y = 0.05
    for number, (step, taken) in enumerate(zip(steps, heights, strict=True)):
        last = number == len(steps) - 1
        _step(axes, y, step, look, last=last)
        if not last:
            _arrow(axes, (y + _BOX, y + taken + _GAP), look)
        y += taken + _GAP
    return figure


def _width(look: Look) -> float:
    return look.width - 0.1 if look.narrow else 3.4


def _step(axes: Axes, y: float, step: Step, look: Look, *, last: bool) -> None:
    colours, width = look.colours, _width(look)
    went, left = step
    _box(axes, (0.05, y, width), colours, strong=last)
    weight = "bold" if last else "normal"
    middle = y + _BOX / 2
    axes.text(
        0.05 + width / 2,
        middle,
        went,
        color=colours.ink,
        fontsize=TEXT,
        fontweight=weight,
        ha="center",
        va="center",
    )
    if not left:
        return
    if look.narrow:
        below = y + _BOX + 0.17
        axes.text(0.05, below, f"− {left}", color=colours.soft, fontsize=SMALL, va="center")
        return
    axes.plot([0.05 + width, width + 0.45], [middle, middle], color=colours.line, linewidth=1)
    axes.text(width + 0.52, middle, left, color=colours.soft, fontsize=SMALL, va="center")


def _box(axes: Axes, place: tuple[float, float, float], colours: Palette, *, strong: bool) -> None:
    x, y, width = place
    edge = colours.candidate if strong else colours.line
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            _BOX,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="none",
            edgecolor=edge,
            linewidth=1.8 if strong else 1,
        )
    )


def _arrow(axes: Axes, span: tuple[float, float], look: Look) -> None:
    x = 0.05 + _width(look) / 2
    axes.annotate(
        "",
        (x, span[1]),
        (x, span[0]),
        arrowprops={
            "arrowstyle": "-|>",
            "color": look.colours.line,
            "linewidth": 1,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
