"""A CSV file as columns of text, with errors that name row and column.

Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from studies.analysis.columns import Column, column_of, constant, plain_columns

MAX_BYTES = 512 * 2**20
# Spreadsheets drop blanks before a formula, and some read full-width signs as the plain ones.
_FORMULA = re.compile(r"'*(?:[\s\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n])")


class JudgmentsFileError(ValueError):
    """A file that is no judgments file; the message is one line and names row and column."""


def neutralise(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula; `restore` undoes it.

    >>> neutralise("=SUM(A1)"), neutralise("plain"), neutralise("'=x"), neutralise(" ＝x")
    ("'=SUM(A1)", 'plain', "''=x", "' ＝x")
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Return the cell as it was before `neutralise`.

    >>> restore("'=SUM(A1)"), restore("'tis")
    ('=SUM(A1)', "'tis")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, all of the same length, and the number of each row in the file."""

    columns: dict[str, Column]
    numbers: Sequence[int]
    seconds: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Columns of which every cell is a moment, as seconds since 1970; the others are in ``columns``."""

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def cells(self, column: str, default: str = "") -> Column:
        """Return a column, or the default in every row when the file lacks it."""
        return self.columns[column] if column in self.columns else constant(default, len(self))

    def names(self, column: str, default: str) -> Column:
        """Return a column of names, which may not be empty, with formula guards taken off."""
        cells = self.cells(column, default)
        self.refuse(column, cells, lambda cell: not cell.strip(), "is empty")
        if any(cell.startswith("'") for cell in cells.values):
            return cells.mapped(restore)
        return cells

    def one_of(self, column: str, allowed: Collection[str], default: str = "") -> Column:
        """Return a column that knows only the allowed words."""
        cells = self.cells(column, default)
        known = ", ".join(word or "nothing" for word in allowed)
        self.refuse(column, cells, lambda cell: cell not in allowed, f"must be one of: {known}")
        return cells

    def refuse(self, column: str, cells: Column, is_bad: Callable[[str], bool], reason: str) -> None:
        """Raise an error for the first cell that is bad. Each different text is looked at once."""
        # Values are in order of first appearance, so the first bad one is in the first bad row.
        bad = next((number for number, cell in enumerate(cells.values) if is_bad(cell)), None)
        if bad is not None:
            index = int(np.argmax(cells.codes == bad))
            self.fail(index, column, f"{_shown(cells.values[bad])} {reason}")

    def fail(self, index: int, column: str, problem: str) -> NoReturn:
        """Raise the error for one cell."""
        message = f"row {self.numbers[index]}, column {column}: {problem}"
        raise JudgmentsFileError(message)


def _shown(cell: str) -> str:
    """Return a cell as an error can show it: one short line."""
    text = cell if len(cell) <= 40 else f"{cell[:40]}..."  # noqa: PLR2004 - fits one line
    return repr(text) if text.isprintable() else repr(text.encode("utf-8", "surrogateescape"))[1:]


def parse_table(data: bytes, times: Sequence[str] = ()) -> Table:
    """Read a UTF-8 CSV file (a byte order mark is accepted); ``times`` are columns of moments.

    Raises
    ------
    JudgmentsFileError
        Too large, empty, not UTF-8, broken quotes, ragged or without rows.
    """
    if len(data) > MAX_BYTES:
        message = f"row 1, column 1: the file has more than {MAX_BYTES // 2**20} MB; split it"
        raise JudgmentsFileError(message)
    _refuse_other_files(data)
    plain = plain_columns(data, times)
    if plain is not None:
        length = len(next(iter(plain.columns.values())))
        return Table(plain.columns, range(2, length + 2), plain.seconds)
    # Bytes that are not UTF-8 survive as lone surrogates, so the error can name their cell.
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    records = _records(text)
    if not records or not any(cell.strip() for cell in records[0]):
        message = "row 1, column 1: the file is empty; it needs a header and one row per judgment"
        raise JudgmentsFileError(message)
    header = _header(records[0])
    numbers, rows = _body(records, header)
    columns = map(column_of, zip(*rows, strict=True))
    table = Table(dict(zip(header, columns, strict=True)), numbers)
    if "\0" in text or not _is_utf8(text):
        _refuse_bytes(table)
    return table


_OTHER_FILES = (
    (b"\x1f\x8b", "is compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook; save the sheet as “CSV UTF-8”"),
    (b"PAR1", "is Parquet; write it as CSV"),
    (b"\xff\xfe", "is UTF-16, as Excel writes “Unicode text”; save it as “CSV UTF-8”"),
    (b"\xfe\xff", "is UTF-16; save it as UTF-8"),
)
"""How files begin that are taken for CSV by mistake."""


def _refuse_other_files(data: bytes) -> None:
    for beginning, problem in _OTHER_FILES:
        if data.startswith(beginning):
            message = f"row 1, column 1: the file {problem}"
            raise JudgmentsFileError(message)


def _records(text: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[list[str]] = []
    try:
        records.extend(reader)
    except csv.Error as error:
        message = f"row {len(records) + 1}, column 1: not CSV ({error})"
        raise JudgmentsFileError(message) from None
    return records


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    for position, name in enumerate(header, 1):
        if not _is_utf8(name) or "\0" in name:
            message = f"row 1, column {position}: not UTF-8 text; save the file as UTF-8"
            raise JudgmentsFileError(message)
        if name in header[: position - 1]:
            message = f"row 1, column {name}: appears twice"
            raise JudgmentsFileError(message)
    return header


def _body(records: list[list[str]], header: list[str]) -> tuple[Sequence[int], list[list[str]]]:
    numbers: Sequence[int] = range(2, len(records) + 1)
    rows = records[1:]
    if not all(rows):  # blank lines are skipped but still counted
        numbers = [number for number, row in zip(numbers, rows, strict=True) if row]
        rows = [row for row in rows if row]
    if not rows:
        message = f"row 2, column {header[0]}: there are no rows below the header"
        raise JudgmentsFileError(message)
    if set(map(len, rows)) != {len(header)}:
        index = next(index for index, row in enumerate(rows) if len(row) != len(header))
        have = len(rows[index])
        place = min(have, len(header) - 1)
        column = header[place] or place + 1
        message = f"row {numbers[index]}, column {column}: the row has {have} cells, not {len(header)}"
        raise JudgmentsFileError(message)
    return numbers, rows


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_bytes(table: Table) -> NoReturn:
    for name, cells in table.columns.items():
        table.refuse(name, cells, lambda cell: not _is_utf8(cell), "is not UTF-8; save the file as UTF-8")
        table.refuse(name, cells, lambda cell: "\0" in cell, "holds a null byte")
    message = "row 1, column 1: the file is not UTF-8 text"
    raise JudgmentsFileError(message)
