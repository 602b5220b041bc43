"""Columns of text as numbers: each different cell once, and which of them every row has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.analysis.records import Codes

Words = NDArray[np.uint64]
COMMA, NEWLINE = ord(","), ord("\n")
WORD = 8
"""Bytes of a number that a cell is read as."""
LONGEST = 64
"""Bytes of a cell that is read as numbers; files with longer ones are read cell by cell."""
FEW, SAMPLE = 512, 8192
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(WORD)] + [2**64 - 1], dtype=np.uint64)


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


def plain_columns(data: bytes) -> dict[str, Column] | None:
    """Return the columns of a plain file at once; None for one that must be read cell by cell.

    Plain is UTF-8 without quotes, null bytes, blank lines or long cells, each row with as many cells as the
    header. Cells are compared as numbers of eight bytes: exactly, not by a hash alone.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if any(mark in text for mark in (b'"', b"\r", b"\0")) or not text.strip():
        return None
    try:
        names = [name.strip() for name in text.split(b"\n", 1)[0].decode().split(",")]
        text.decode()
    except UnicodeDecodeError:
        return None
    padded = text.removesuffix(b"\n") + b"\n" + bytes(LONGEST + WORD)
    ends = _ends(padded, len(names))
    if ends is None or len(ends) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 - header and a row
        return None
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    starts[1:, 0] = ends[:-1, -1] + 1
    found = {}
    for number, name in enumerate(names):
        column = _column(padded, starts[1:, number], ends[1:, number])
        if column is None:
            return None
        found[name] = column
    return found


def _ends(text: bytes, width: int) -> NDArray[np.int64] | None:
    """Return where each cell ends, (rows, width); None when rows differ in their number of cells."""
    letters = np.frombuffer(text, dtype=np.uint8)
    newlines = np.flatnonzero(letters == NEWLINE)
    ends = np.flatnonzero((letters == COMMA) | (letters == NEWLINE))
    if len(ends) != len(newlines) * width:
        return None
    table = ends.reshape(-1, width)
    return table if np.array_equal(table[:, -1], newlines) else None


def _column(text: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Column | None:
    lengths = ends - starts
    longest = int(lengths.max())
    if longest > LONGEST:
        return None
    words = _words(text, starts, lengths, max(1, -(-longest // WORD)))
    key = words[0]
    for word in words[1:]:
        key = (key ^ (key >> np.uint64(29))) * _SPREAD + word
    codes, first = _in_order(key)
    if len(words) > 1 and not all(np.array_equal(word[first][codes], word) for word in words):
        return None  # two different cells with one key: read them one by one
    cells = zip(starts[first].tolist(), ends[first].tolist(), strict=True)
    return Column(codes, tuple(text[start:end].decode() for start, end in cells))


def _words(text: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64], count: int) -> list[Words]:
    """Return each cell's bytes as numbers, padded with zeros, which no cell contains.

    The text ends with as many zeros as are read beyond a cell.
    """
    at = np.ndarray((len(text) - WORD + 1,), dtype="<u8", buffer=text, strides=(1,))
    return [
        at[starts + WORD * number] & _MASKS[np.clip(lengths - WORD * number, 0, WORD)]
        for number in range(count)
    ]
