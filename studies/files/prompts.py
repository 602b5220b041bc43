"""Prompts in a CSV or JSONL file beside the study file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from studies.files.errors import StudyFileError
from studies.files.nodes import decode
from studies.files.schema import PromptEntry

Rows = list[tuple[int, dict[str, Any]]]


def read_beside(reference: Any, *, folder: Path | None, name: str, line: int | None) -> tuple[str, Rows]:
    """Return the name of the file and its rows with their line numbers."""
    path, told = _inside(reference, folder=folder, name=name, line=line)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise StudyFileError(
            f"“{told}” is neither .csv nor .jsonl", name=name, line=line, field="prompts.file"
        )
    try:
        text = decode(path.read_bytes(), name=told)
    except OSError as error:
        raise StudyFileError(
            f"“{told}” cannot be read: {error.strerror}", name=name, line=line, field="prompts.file"
        ) from error
    rows = reader(text, told)
    if not rows:
        raise StudyFileError("the file holds no prompt", name=told, line=1)
    return told, rows


def _inside(reference: Any, *, folder: Path | None, name: str, line: int | None) -> tuple[Path, str]:
    def wrong(problem: str) -> StudyFileError:
        return StudyFileError(problem, name=name, line=line, field="prompts.file")

    if (
        not isinstance(reference, dict)
        or set(reference) != {"file"}
        or not isinstance(reference["file"], str)
    ):
        raise wrong("write a list of prompts, or “file: NAME.csv” alone")
    told = reference["file"]
    if folder is None:
        raise wrong(
            "an uploaded study file has no folder beside it; write the prompts into it, or use "
            "“manage.py study import”"
        )
    if PurePosixPath(told).is_absolute() or ".." in PurePosixPath(told).parts:
        raise wrong("the file must lie beside the study file or in a folder below")
    path = (folder / told).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise wrong("the file must lie beside the study file or in a folder below")
    return path, told


def _csv(text: str, name: str) -> Rows:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        known = set(PromptEntry.model_fields) - {"messages"}
        unknown = [field for field in reader.fieldnames or [] if field not in known]
        if unknown:
            raise StudyFileError(
                f"unknown column; known are {', '.join(sorted(known))}",
                name=name,
                line=1,
                field=unknown[0] or "(empty)",
            )
        rows: Rows = []
        start = 2
        for row in reader:
            if None in row or None in row.values():
                raise StudyFileError("the row has not as many cells as the header", name=name, line=start)
            rows.append((start, {key: value for key, value in row.items() if value}))
            start = reader.line_num + 1
    except csv.Error as error:
        raise StudyFileError(f"this is not CSV: {error}", name=name, line=reader.line_num) from error
    return rows


def _jsonl(text: str, name: str) -> Rows:
    rows: Rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise StudyFileError(f"this line is not JSON: {error}", name=name, line=number) from error
        if not isinstance(row, dict):
            raise StudyFileError("this line is not a JSON object", name=name, line=number)
        rows.append((number, row))
    return rows


_READERS: dict[str, Callable[[str, str], Rows]] = {".csv": _csv, ".jsonl": _jsonl}
