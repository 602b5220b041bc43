"""The two forms as appendices: the same words as their Markdown files, laid out as blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studies.reports.document import Block, Facts, Items, Prose, Section
from studies.reports.summary import ReportSummary

_NAMED = re.compile(r"\*\*(.+?)\*\*:? ?(.*)")
_DIVIDER = "|---"
_CELL = re.compile(r"(?<!\\)\|")


def forms(summary: ReportSummary) -> list[Section]:
    """Return the pre-registration and the data sheet."""
    return [
        Section("preregistration", "Appendix: pre-registration", tuple(_blocks(summary.preregistration))),
        Section("datasheet", "Appendix: human-evaluation data sheet", tuple(_blocks(summary.datasheet))),
    ]


def _blocks(text: str) -> Iterator[Block]:
    """Lay out what `preregistration` and `datasheet` write; the form's own title is the section's."""
    opening, *parts = text.split("\n## ")
    for line in opening.splitlines()[1:]:
        if line.strip():
            yield Prose(_plain(line), soft=True)
    for part in parts:
        title, _, body = part.partition("\n")
        yield from _part(title, [line for line in body.splitlines() if line.strip()])


def _part(title: str, lines: list[str]) -> Iterator[Block]:
    rows = [_cells(line) for line in lines if line.startswith("|") and not line.startswith(_DIVIDER)]
    points = [line.removeprefix("* ") for line in lines if line.startswith("* ")]
    prose = [_plain(line) for line in lines if not line.startswith(("|", "* "))]
    named = [_NAMED.fullmatch(point) for point in points]
    if rows:
        yield Facts(tuple(rows[1:]), title)  # the first one names the columns
    elif points and all(named):
        yield Facts(tuple((found[1], _sentence(found[2])) for found in named if found), title)
    elif points:
        yield Items(tuple(map(_plain, points)), title)
    else:
        yield Facts(((title, " ".join(prose)),))
        return
    for line in prose:
        yield Prose(line)


def _cells(line: str) -> tuple[str, str]:
    _, question, answer, *_ = _CELL.split(line)
    return question.strip(), answer.strip().replace("\\|", "|")


def _sentence(text: str) -> str:
    """Return what stands behind a bold name: its role in brackets without them, where it has one."""
    return re.sub(r"^\(([^)]+)\):", r"\1:", text)


def _plain(line: str) -> str:
    return line.replace("**", "").replace("`", "").strip()
