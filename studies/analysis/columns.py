"""Columns of text as numbers: each different cell once, and which of them every row has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

from studies.analysis.records import Codes

BLOCK = 16 * 2**20
"""Bytes that are read at a time."""
HEADER = 64 * 2**10
"""Bytes in which a header is looked for."""
FEW, SAMPLE = 512, 8192


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One entry of ``codes`` per row, numbering ``values`` in order of first appearance."""

    codes: Codes
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def of_each(self, numbers: Iterable[float]) -> NDArray[np.float64]:
        """Return for every row the number that belongs to its value."""
        return np.fromiter(numbers, np.float64, len(self.values))[self.codes]

    def are(self, word: str) -> NDArray[np.bool_]:
        """Return which rows have this value."""
        return np.array([value == word for value in self.values], dtype=np.bool_)[self.codes]

    def mapped(self, change: Callable[[str], str]) -> Column:
        """Return the column with every value changed; values that become alike are one."""
        changed = [change(value) for value in self.values]
        numbers = {value: number for number, value in enumerate(dict.fromkeys(changed))}
        again = np.array([numbers[value] for value in changed], dtype=np.int64)
        return Column(again[self.codes], tuple(numbers))


def constant(value: str, rows: int) -> Column:
    """Return a column with the same value in every row."""
    return Column(np.zeros(rows, dtype=np.int64), (value,))


def column_of(cells: Iterable[str]) -> Column:
    """Return the column of cells read one by one.

    >>> found = column_of(["b", "a", "b"])
    >>> found.codes.tolist(), found.values
    ([0, 1, 0], ('b', 'a'))
    """
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(cell, len(numbers)) for cell in cells]
    return Column(np.array(codes, dtype=np.int64), tuple(numbers))


def crossed(first: Codes, second: Codes) -> tuple[Codes, Codes]:
    """Return the code of both taken together, in order of first appearance, and a row of each.

    >>> [found.tolist() for found in crossed(np.array([1, 0, 1]), np.array([0, 0, 0]))]
    [[0, 1, 0], [0, 1]]
    """
    return _in_order(first * (int(second.max()) + 1) + second)


def _in_order(keys: NDArray[Any]) -> tuple[Codes, Codes]:
    """Return each key's number in order of first appearance, and the first row of each."""
    few = _few(keys)
    if few is None:
        known, codes = np.unique(keys, return_inverse=True)
    else:
        known, codes = few, np.searchsorted(few, keys)
    first = np.empty(len(known), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(keys) - 1, -1, -1)  # the last one written stays: the earliest row
    order = np.argsort(first)
    rank = np.empty(len(known), dtype=np.int64)
    rank[order] = np.arange(len(known))
    return rank[codes], first[order]


def _few(keys: NDArray[Any]) -> NDArray[Any] | None:
    """Return the different keys in order when a sample has them all and they are few."""
    known = np.unique(keys[:SAMPLE])
    if len(known) > FEW:
        return None
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return known if bool(np.all(known[place] == keys)) else None


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """A plain file, read at once."""

    columns: dict[str, Column]
    seconds: dict[str, NDArray[np.float64]]
    """Columns in which every cell is a moment with its zone, as seconds since 1970."""


def plain_columns(data: bytes, times: Sequence[str] = ()) -> Plain | None:
    """Return the columns of a plain file; None for one that must be read cell by cell.

    Plain is UTF-8 without quotes, null bytes or blank lines, each row with as many cells as the header.
    ``times`` are columns to be read as moments, where all their cells are.
    """
    names = _plain_header(data)
    if names is None:
        return None
    moments = [name for name in times if name in names]
    table = _read(data, names, moments)
    if moments and (table is None or any(table[name].null_count for name in moments)):
        moments, table = [], _read(data, names, [])
    if table is None or not len(table):
        return None
    return Plain(
        {name: _column(table[name]) for name in names if name not in moments},
        {name: _seconds(table[name]) for name in moments},
    )


def _read(data: bytes, names: list[str], moments: list[str]) -> pa.Table | None:
    """Return the table as it is below the header; None when it is ragged, not UTF-8, or no moments."""
    types = dict.fromkeys(names, pa.dictionary(pa.int32(), pa.string()))
    types |= dict.fromkeys(moments, pa.timestamp("us", "UTC"))
    try:
        return read_csv(
            pa.BufferReader(data),
            ReadOptions(column_names=names, skip_rows=1, block_size=BLOCK),
            ParseOptions(quote_char=False),
            ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None


def _plain_header(data: bytes) -> list[str] | None:
    """Return the names of a file that has nothing which only the careful reader understands."""
    if any(mark in data for mark in (b'"', b"\0", b"\n\n", b"\n\r\n")):
        return None
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None
    first = data.removeprefix(b"\xef\xbb\xbf")[:HEADER].splitlines()[:1]
    try:
        names = [name.strip() for name in first[0].decode().split(",")] if first else []
    except UnicodeDecodeError:
        return None
    # A header that may be cut off, names that come twice, and a lone column are all unusual.
    plain = 1 < len(names) == len(set(names)) and len(first[0]) < HEADER
    return names if plain else None


def _column(cells: pa.ChunkedArray) -> Column:
    """Return a column whose different cells come in order of first appearance, as they do in the file."""
    whole = cells.combine_chunks() if cells.num_chunks != 1 else cells.chunk(0)
    values = tuple(whole.dictionary.to_pylist())
    if len(values) == 1:  # as most columns of a study are; zeros that nobody writes take no memory
        return constant(values[0], len(whole))
    return Column(_numbers(whole.indices, np.int32).astype(np.int64), values)


def _seconds(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.concatenate([_numbers(chunk, np.int64) for chunk in cells.chunks]) / 1e6


def _numbers(array: pa.Array, dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array without gaps as numpy's; arrow's own way would load pandas where that is installed."""
    found = np.frombuffer(array.buffers()[1], dtype=dtype)
    return found[array.offset : array.offset + len(array)]
