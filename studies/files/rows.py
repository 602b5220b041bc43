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


def read_rows(data: bytes, *, name: str, columns: set[str], most: int = MAX_BYTES) -> Rows:
    """Return the rows of a file, by the ending of its name; a CSV may have the ``columns``, no others.

    Empty cells of a CSV count as absent. More than ``most`` bytes are not read.
    """
    text = decode(data, name=name, most=most)
    if PurePath(name).suffix.lower() == ".jsonl":
        return _jsonl(text, name)
    return _csv(text, name, columns)


def _csv(text: str, name: str, columns: set[str]) -> Rows:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        unknown = [field for field in reader.fieldnames or [] if field not in columns]
        if unknown:
            raise StudyFileError(
                gettext("unknown column; known are %(names)s") % {"names": ", ".join(sorted(columns))},
                name=name,
                line=1,
                field=unknown[0] or "(empty)",
            )
        rows: Rows = []
        start = 2
        for row in reader:
            if None in row or None in row.values():
                raise StudyFileError(
                    gettext("the row has not as many cells as the header"), name=name, line=start
                )
            rows.append((start, {key: value for key, value in row.items() if value}))
            start = reader.line_num + 1
    except csv.Error as error:
        raise StudyFileError(
            gettext("this is not CSV: %(error)s") % {"error": error}, name=name, line=reader.line_num
        ) from error
    return rows


def _jsonl(text: str, name: str) -> Rows:
    rows: Rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise StudyFileError(
                gettext("this line is not JSON: %(error)s") % {"error": error}, name=name, line=number
            ) from error
        if not isinstance(row, dict):
            raise StudyFileError(gettext("this line is not a JSON object"), name=name, line=number)
        rows.append((number, row))
    return rows
