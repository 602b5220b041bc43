"""The log as a file, a line for each entry."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from studies.analysis.csv_table import neutralise
from studies.models import AuditEvent
from studies.queries import audit

COLUMNS = ("id", "at", "actor", "study", "action", "before", "after", "withheld", "previous_hash", "hash")


def json_lines(found: QuerySet[AuditEvent]) -> Iterator[str]:
    """Yield an object for each entry, as the API tells it."""
    for event in found.iterator():
        yield json.dumps(audit.told(event), ensure_ascii=False) + "\n"


def csv_lines(found: QuerySet[AuditEvent]) -> Iterator[str]:
    """Yield a header and a line for each entry; what a spreadsheet could run is made harmless."""
    yield _line(list(COLUMNS))
    for event in found.iterator():
        yield _line([neutralise(_cell(value)) for value in audit.told(event).values()])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


WRITERS: dict[str, tuple[Callable[[QuerySet[AuditEvent]], Iterator[str]], str]] = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "jsonl": (json_lines, "application/jsonl"),
}
"""How the log is written, and its content type, by the ending of the file."""
