"""A report as sections of blocks. Every face that is read by people lays out the same blocks.

A block names its kind; ``templates/reports/blocks/KIND.html`` and the function of that name in
``typst/report.typ`` draw it. Text in cells may carry markup made by `studies.reports.figures`, and by
nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from studies.reports.picture import Picture

Cell = str
"""Plain text, or a figure whose markup carries its full value."""


class Block:
    """Anything that stands in a section."""

    __slots__ = ()
    kind: ClassVar[str]

    @property
    def template(self) -> str:
        """The template that draws the block as HTML."""
        return f"reports/blocks/{self.kind}.html"


@dataclass(frozen=True, slots=True)
class Prose(Block):
    """A paragraph; ``soft`` ones stand back."""

    kind: ClassVar[str] = "prose"
    text: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Formula(Block):
    """An equation, as our own HTML and as typst's mathematics."""

    kind: ClassVar[str] = "formula"
    html: str
    typst: str


@dataclass(frozen=True, slots=True)
class Items(Block):
    """A list; ``title`` names it where it needs a name."""

    kind: ClassVar[str] = "items"
    items: tuple[str, ...]
    title: str = ""
    small: bool = False


@dataclass(frozen=True, slots=True)
class Facts(Block):
    """Names and values. ``tone`` colours the edge of an arm's box; an empty one draws no box."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, Cell], ...]
    title: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Side(Block):
    """Boxes that stand side by side where there is room."""

    kind: ClassVar[str] = "side"
    boxes: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table whose first column names its rows.

    ``naive`` are the columns, and ``naive_rows`` the rows, that assume independence and stand in grey.
    A table that is ``folded`` opens on a click where there is something to click.
    """

    kind: ClassVar[str] = "table"
    label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    naive: tuple[int, ...] = ()
    folded: str = ""

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Each column's head, and whether it stands in grey."""
        return [(head, index in self.naive) for index, head in enumerate(self.heads)]

    @property
    def body(self) -> list[list[tuple[Cell, bool]]]:
        """Each row's cells, and whether each stands in grey."""
        return [[(cell, index in self.naive) for index, cell in enumerate(row)] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Plot(Block):
    """A picture with its title."""

    kind: ClassVar[str] = "plot"
    picture: Picture


@dataclass(frozen=True, slots=True)
class Code(Block):
    """Commands, to be copied."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    boxed: bool = False

    @property
    def pictures(self) -> list[Picture]:
        """The section's pictures, in order."""
        return [block.picture for block in self.blocks if isinstance(block, Plot)]


def present(*blocks: Block | None) -> tuple[Block, ...]:
    """Return the blocks that are there."""
    return tuple(block for block in blocks if block is not None)


def table(label: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], **options: Any) -> Table | None:
    """Return a table, or nothing when it has no rows."""
    if not rows:
        return None
    return Table(label, tuple(heads), tuple(tuple(map(_cell, row)) for row in rows), **options)


def _cell(value: Any) -> Cell:
    return value if isinstance(value, str) else str(value)
