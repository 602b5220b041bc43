"""Rows of a CSV or JSON Lines file, each with the line it stands on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePath
from typing import Any

from django.utils.translation import gettext

from studies.files.errors import StudyFileError
from studies.files.nodes import MAX_BYTES, decode

SUFFIXES = (".csv", ".jsonl")
Rows = list[tuple[int, dict[str, Any]]]


def read_rows(
    data: bytes,
    *,
    name: str,
    columns: set[str],
    most: int = MAX_BYTES,
    wrong: list[tuple[int, str]] | None = None,
) -> Rows:
    """Return the rows of a file, by the ending of its name; a CSV may have the ``columns``, no others.

    Empty cells of a CSV count as absent. More than ``most`` bytes are not read. The first line that is no
    row raises; or else, where ``wrong`` is given, all of them are added to it, each with its reason.
    """
    found: list[tuple[int, str]] = []
    text = decode(data, name=name, most=most)
    if PurePath(name).suffix.lower() == ".jsonl":
        rows = _jsonl(text, found)
    else:
        rows = _csv(text, name, columns, found)
    if wrong is not None:
        wrong += found
    elif found:
        line, problem = found[0]
        raise StudyFileError(problem, name=name, line=line)
    return rows


def _csv(text: str, name: str, columns: set[str], wrong: list[tuple[int, str]]) -> Rows:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: Rows = []
    try:
        unknown = [field for field in reader.fieldnames or [] if field not in columns]
        if unknown:
            raise StudyFileError(
                gettext("unknown column; known are %(names)s") % {"names": ", ".join(sorted(columns))},
                name=name,
                line=1,
                field=unknown[0] or "(empty)",
            )
        start = 2
        for row in reader:
            if None in row or None in row.values():
                wrong.append((start, gettext("the row has not as many cells as the header")))
            else:
                rows.append((start, {key: value for key, value in row.items() if value}))
            start = reader.line_num + 1
    except csv.Error as error:
        # Where the next row begins cannot be told, so this is the last that is said.
        wrong.append((reader.line_num, gettext("this is not CSV: %(error)s") % {"error": error}))
    return rows


def _jsonl(text: str, wrong: list[tuple[int, str]]) -> Rows:
    rows: Rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            wrong.append((number, gettext("this line is not JSON: %(error)s") % {"error": error}))
            continue
        if isinstance(row, dict):
            rows.append((number, row))
        else:
            wrong.append((number, gettext("this line is not a JSON object")))
    return rows
