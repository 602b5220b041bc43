"""The study's part of the log, as an export has it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import datetime

from studies.exports.columns import Row
from studies.models import AuditEvent, Origin, Study
from studies.queries.audit import withheld

EXPORTED, CARRIED, DOWNLOADED = "study.exported", "study.carried_in", "file.downloaded"
CARRYING = (EXPORTED, CARRIED, DOWNLOADED)
"""What takes a study somewhere and changes nothing of it: such entries stay where they were made."""
_CHUNK = 2_000


def rows(study: Study) -> Iterator[Row]:
    """Yield the entries, oldest first: those that came with the study, then those made here."""
    yield from _foreign(study)
    here = AuditEvent.objects.filter(study=study).exclude(action__in=CARRYING).order_by("pk")
    for event in here.select_related("study").defer("study__plan").iterator(chunk_size=_CHUNK):
        hidden = withheld(event)
        yield (
            event.at,
            event.actor,
            event.action,
            None if hidden else event.before,
            None if hidden else event.after,
            event.study_id,
            event.previous_hash,
            event.hash,
        )


def _foreign(study: Study) -> Iterator[Row]:
    """Yield the entries of another installation, as they came."""
    origin = Origin.objects.filter(study=study).first()
    for line in zlib.decompress(origin.log).splitlines() if origin else ():
        entry = json.loads(line)
        entry["at"] = datetime.fromisoformat(entry["at"])
        yield tuple(entry.values())
