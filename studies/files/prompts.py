"""Prompts in a CSV or JSONL file beside the study file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from django.utils.translation import gettext

from studies.files.errors import StudyFileError
from studies.files.rows import SUFFIXES, Rows, read_rows
from studies.files.schema import PromptEntry

COLUMNS = set(PromptEntry.model_fields) - {"messages"}
"""The columns that a CSV may have."""


def read_beside(reference: Any, *, folder: Path | None, name: str, line: int | None) -> tuple[str, Rows]:
    """Return the name of the file and its rows with their line numbers."""
    path, told = _inside(reference, folder=folder, name=name, line=line)
    if path.suffix.lower() not in SUFFIXES:
        raise StudyFileError(
            gettext("“%(told)s” is neither .csv nor .jsonl") % {"told": told},
            name=name,
            line=line,
            field="prompts.file",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyFileError(
            gettext("“%(told)s” cannot be read: %(strerror)s") % {"told": told, "strerror": error.strerror},
            name=name,
            line=line,
            field="prompts.file",
        ) from error
    rows = read_rows(data, name=told, columns=COLUMNS)
    if not rows:
        raise StudyFileError(gettext("the file holds no prompt"), name=told, line=1)
    return told, rows


def _inside(reference: Any, *, folder: Path | None, name: str, line: int | None) -> tuple[Path, str]:
    def wrong(problem: str) -> StudyFileError:
        return StudyFileError(problem, name=name, line=line, field="prompts.file")

    if (
        not isinstance(reference, dict)
        or set(reference) != {"file"}
        or not isinstance(reference["file"], str)
    ):
        raise wrong(gettext("write a list of prompts, or “file: NAME.csv” alone"))
    told = reference["file"]
    if folder is None:
        raise wrong(
            gettext(
                "an uploaded study file has no folder beside it; write the prompts into it, or use "
                "“manage.py study import”"
            )
        )
    if PurePosixPath(told).is_absolute() or ".." in PurePosixPath(told).parts:
        raise wrong(gettext("the file must lie beside the study file or in a folder below"))
    path = (folder / told).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise wrong(gettext("the file must lie beside the study file or in a folder below"))
    return path, told
