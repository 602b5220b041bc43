"""What a table of an export is: its columns, each with its type and its meaning, and its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from studies.models import Study

Row = tuple[Any, ...]


class Type(StrEnum):
    """What stands in a column; each format writes it in its own way."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "0 or 1"
    TIME = "ISO 8601, UTC"
    DATA = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The codebook is made of these, and so are the files."""

    name: str
    type: Type
    meaning: str
    optional: bool = False
    """Whether a cell may be unknown: empty in CSV, null elsewhere."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table and where its rows come from, one after another."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: Callable[[Study], Iterator[Row]]

    @property
    def names(self) -> tuple[str, ...]:
        """The header."""
        return tuple(column.name for column in self.columns)


def moment(at: datetime) -> str:
    """Return a moment to the microsecond, as exports write it.

    >>> moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000Z'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def dumped(data: Any) -> str:
    """Return the JSON of a cell: keys in one order, whatever the database made of them."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
