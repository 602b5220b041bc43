"""The study's part of the log, as an export has it."""

from __future__ import annotations

from collections.abc import Iterator

from studies.exports.columns import Row
from studies.models import AuditEvent, Study

EXPORTED, CARRIED = "study.exported", "study.carried_in"
CARRYING = (EXPORTED, CARRIED, "file.downloaded")
"""What takes a study somewhere and changes nothing of it: such entries stay where they were made."""
_CHUNK = 2_000


def rows(study: Study) -> Iterator[Row]:
    """Yield the entries, oldest first."""
    here = AuditEvent.objects.filter(study=study).exclude(action__in=CARRYING).order_by("pk")
    yield from here.values_list(
        "at", "actor", "action", "before", "after", "study_id", "previous_hash", "hash"
    ).iterator(chunk_size=_CHUNK)
