"""The report on paper: the same blocks, set by typst. The same study gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import typst
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from studies.reports.document import Block, Section
from studies.reports.picture import Picture
from studies.reports.style import PLAIN, palette
from studies.reports.summary import ReportSummary

_FOLDER = Path(__file__).parent / "typst"


def as_pdf(summary: ReportSummary, view: dict[str, Any]) -> bytes:
    """Return the report as PDF; its date is when the study was closed."""
    content = {
        **plain(view),
        "data_sha256": summary.integrity.data_sha256,
        "colours": asdict(palette(dark=False)),
    }
    files = {
        "main": (_FOLDER / "report.typ").read_bytes(),
        "report.json": json.dumps(content, ensure_ascii=False).encode(),
        **{
            _file(picture): picture.looks[PLAIN]
            for section in view["sections"]
            for picture in section.pictures
        },
    }
    closed = datetime.fromisoformat(summary.integrity.closed_at)
    compile_project: Any = typst.compile  # its types know no files in memory
    return bytes(compile_project(files, font_paths=_fonts(), timestamp=int(closed.timestamp()), format="pdf"))


@cache
def _fonts() -> typst.Fonts:
    """Return our own typeface and typst's, never those of the machine: pages look the same everywhere."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(_FOLDER / "fonts")])


def plain(value: Any) -> Any:
    """Return a view as plain data: figures without markup, pictures as the names of their files."""
    if isinstance(value, SafeString):
        return unescape(strip_tags(value))
    if isinstance(value, Picture):
        return {"file": _file(value), "title": value.title, "alternative": value.alternative}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Block | Section):
        return _fields(value)
    return value


def _fields(value: Any) -> dict[str, Any]:
    found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Block):
        found["kind"] = value.kind
    picture = found.pop("picture", None)  # a plot is its picture
    return found | (picture or {})


def _file(picture: Picture) -> str:
    """Return a name of its own for each picture: several pairs of arms have pictures of the same kind."""
    return f"{picture.name}-{sha256(picture.looks[PLAIN]).hexdigest()[:12]}.svg"
