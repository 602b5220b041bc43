"""Reading an export: every file against its hash first, then row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import BadZipFile, ZipFile

from studies.exports.columns import Column, Row, Table, Type
from studies.exports.package import MANIFEST, VERSION
from studies.exports.tables import PERSONAL
from studies.files.errors import StudyFileError

_BLOCK = 2**20
_MANIFEST_MOST = 16 * 2**20


class Archive:
    """An export as a ZIP, known to be whole."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._zip = ZipFile(path)
        except BadZipFile as error:
            raise StudyFileError(
                "this is no ZIP file; give what “study export-all” wrote", name=self.name
            ) from error
        self._folder = self._find_folder()
        self.manifest_bytes = self.read(MANIFEST, most=_MANIFEST_MOST)
        self.manifest = self._manifest()
        self._verify()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def _find_folder(self) -> str:
        found = [name for name in self._zip.namelist() if name.rpartition("/")[2] == MANIFEST]
        if len(found) != 1:
            raise StudyFileError(f"it has no {MANIFEST}, so it is no export of a study", name=self.name)
        return found[0].removesuffix(MANIFEST)

    def _manifest(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(self.manifest_bytes)
            version, files = told["evenhand_export"], {file["path"]: file for file in told["files"]}
        except (ValueError, KeyError, TypeError) as error:
            raise StudyFileError("it cannot be read; export the study again", name=MANIFEST) from error
        if version != VERSION:
            raise StudyFileError(f"format {version} is not known here, only {VERSION}", name=MANIFEST)
        return told | {"files": files}

    def _verify(self) -> None:
        there = sorted(self._zip.namelist())
        told = sorted(self._folder + path for path in (*self.paths, MANIFEST))
        if there != told:
            odd = sorted(set(there) ^ set(told)) or there
            raise StudyFileError("the manifest and the ZIP do not list the same files", name=odd[0])
        for path in self.paths:
            digest, said = sha256(), self.manifest["files"][path]["sha256"]
            for block in self._blocks(path):
                digest.update(block)
            if digest.hexdigest() != said:
                problem = f"its SHA-256 is not the manifest’s ({said[:12]}…): the file was changed or damaged"
                raise StudyFileError(problem, name=path)

    @property
    def paths(self) -> list[str]:
        """Every file but the manifest."""
        return list(self.manifest["files"])

    def _blocks(self, path: str) -> Iterator[bytes]:
        try:
            with self._zip.open(self._folder + path) as file:
                while block := file.read(_BLOCK):
                    yield block
        except BadZipFile as error:
            raise StudyFileError("it is damaged; copy or export it again", name=path) from error

    def read(self, path: str, *, most: int = 2**31) -> bytes:
        """Return a whole file."""
        try:
            with self._zip.open(self._folder + path) as file:
                data = file.read(most + 1)
        except KeyError as error:
            raise StudyFileError("the export lacks this file", name=path) from error
        except BadZipFile as error:
            raise StudyFileError("it is damaged; copy or export it again", name=path) from error
        if len(data) > most:
            raise StudyFileError("the file is too large", name=path)
        return data

    def lines(self, table: Table) -> Iterator[bytes]:
        """Yield the lines of a table as they stand."""
        with self._zip.open(self._folder + path_of(table)) as file:
            yield from file

    def rows(self, table: Table) -> Iterator[tuple[int, Row]]:
        """Yield each row with its number, in the types of its columns."""
        for number, line in enumerate(self.lines(table), start=1):
            yield number, parsed(table, line, number)


def path_of(table: Table) -> str:
    """Return where the rows of a table stand that are read."""
    return f"{'personal' if table in PERSONAL else 'tables'}/{table.name}.jsonl"


def parsed(table: Table, line: bytes | str, number: int) -> Row:
    """Return the cells of one line in the order of the columns, or say which is wrong."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StudyFileError("this line is not JSON", name=path_of(table), line=number) from error
    if not isinstance(data, dict) or list(data) != list(table.names):
        problem = f"the row does not have the columns {', '.join(table.names)}"
        raise StudyFileError(problem, name=path_of(table), line=number)
    try:
        return tuple(_cell(column, data[column.name]) for column in table.columns)
    except _WrongCellError as error:
        raise StudyFileError(str(error), name=path_of(table), line=number, field=error.column) from error


class _WrongCellError(ValueError):
    def __init__(self, column: Column, value: Any) -> None:
        super().__init__(f"{str(value)[:60]!r} will not do: wanted is {column.type}")
        self.column = column.name


_PYTHON: dict[Type, tuple[type, ...]] = {
    Type.TEXT: (str,),
    Type.WHOLE: (int,),
    Type.NUMBER: (int, float),
    Type.FLAG: (bool,),
    Type.TIME: (str,),
}


def _cell(column: Column, value: Any) -> Any:
    if column.type is Type.DATA or (value is None and column.optional):
        return value
    known = isinstance(value, _PYTHON[column.type])
    if not known or (isinstance(value, bool) and column.type is not Type.FLAG):
        raise _WrongCellError(column, value)
    if column.type is Type.TIME:
        return _time(column, str(value))
    if column.type is Type.TEXT and "\x00" in str(value):
        raise _WrongCellError(column, value)
    return value


def _time(column: Column, value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise _WrongCellError(column, value) from None
    if at.tzinfo is None:
        raise _WrongCellError(column, value)
    return at
