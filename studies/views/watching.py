"""Pictures of a collection for a study's page: few shapes, whatever the number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from studies import queries
from studies.enums import Kind
from studies.models import Study
from studies.views.keeping import kept

_COLUMNS, _ROWS = 60, 12
"""As many blocks as the matrix has at most; what is more is put together."""
_CELL, _GAP = 10, 2
_BARS, _HEIGHT = 48, 72
_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Matrix:
    """Comparisons from left to right, their judgments from the bottom up, in blocks."""

    width: int
    height: int
    cells: str
    """The outline of all blocks, as the path of one shape."""
    filled: str
    """Each block filled from below by the share that is there."""
    block: int
    """Comparisons in a block; the last may have fewer."""
    levels: list[tuple[str, int]]
    """How many comparisons have how many judgments: the same in numbers."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Answers over time, a bar for each span."""

    spans: list[queries.Span]
    width: int
    height: int
    bars: str
    total: int
    busiest: queries.Span


def watched(study: Study) -> dict[str, Any]:
    """Return what a study's page shows of its collection; nothing before there is any."""
    if not study.frozen:
        return {}
    reported = queries.problems(study, most=_PROBLEMS + 1)
    return {
        "matrix": kept(study, "matrix", lambda: matrix(queries.fill_levels(study), study.judgments_each)),
        "activity": kept(study, "activity", lambda: activity(queries.activity(study, most=_BARS))),
        "problems": [(skip, skip.comparison.kind == Kind.REAL) for skip in reported[:_PROBLEMS]],
        "more_problems": len(reported) > _PROBLEMS,
        "left_out_annotators": queries.left_out_annotators(study),
    }


def matrix(levels: Sequence[int], overlap: int) -> Matrix | None:
    """Draw how far comparisons are filled: a block for some comparisons and some of the k judgments."""
    if not levels:
        return None
    block, deep = -(-len(levels) // _COLUMNS), -(-overlap // _ROWS)
    columns = [levels[start : start + block] for start in range(0, len(levels), block)]
    floors = range(0, overlap, deep)
    tall = max(_CELL, _HEIGHT // len(floors))
    cells, filled = [], []
    for x, column in enumerate(columns):
        for y, floor in enumerate(reversed(floors)):
            high = min(deep, overlap - floor)
            there = sum(min(max(level - floor, 0), high) for level in column)
            left, bottom = x * _CELL, (y + 1) * tall - _GAP
            cells.append(_box(left, bottom, tall - _GAP))
            if there:
                filled.append(_box(left, bottom, (tall - _GAP) * there / (high * len(column))))
    return Matrix(
        width=len(columns) * _CELL - _GAP,
        height=len(floors) * tall - _GAP,
        cells="".join(cells),
        filled="".join(filled),
        block=block,
        levels=_levels(levels, overlap, deep),
    )


def _levels(levels: Iterable[int], overlap: int, deep: int) -> list[tuple[str, int]]:
    """Count comparisons by their judgments: 0, then in steps as deep as a block."""
    counts = Counter(-(-level // deep) for level in levels)
    edges = [(floor + 1, min(floor + deep, overlap)) for floor in range(0, overlap, deep)]
    names = [
        "0",
        *(
            f"{low}" if low == high else gettext("%(low)s to %(high)s") % {"low": low, "high": high}
            for low, high in edges
        ),
    ]
    return [(name, counts[number]) for number, name in enumerate(names)]


def activity(spans: list[queries.Span]) -> Activity | None:
    """Draw answers over time; None when there are none."""
    busiest = max(spans, key=lambda span: span.answers, default=None)
    if busiest is None or not busiest.answers:
        return None
    bars = [
        _box(x * _CELL, _HEIGHT, _HEIGHT * span.answers / busiest.answers)
        for x, span in enumerate(spans)
        if span.answers
    ]
    return Activity(
        spans=spans,
        width=len(spans) * _CELL - _GAP,
        height=_HEIGHT,
        bars="".join(bars),
        total=sum(span.answers for span in spans),
        busiest=busiest,
    )


def _box(left: float, bottom: float, high: float) -> str:
    """Return a box, as wide as a cell, that stands on ``bottom``: a piece of a path."""
    return f"M{left:g} {bottom:g}h{_CELL - _GAP}v{-high:.3g}h{_GAP - _CELL}z"
