"""The append-only, hash-chained log of who did what."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.domain.errors import StudyError
from studies.models import AuditEvent, Study

GENESIS = "0" * 64
_TRIES = 20


def canonical(data: Any) -> str:
    """Return the one JSON text of ``data``: sorted keys, no spaces, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text: str) -> str:
    """Return the hex digest of ``text`` in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def event_hash(event: AuditEvent) -> str:
    """Return what ``hash`` must be: a digest of the row and of the row before it."""
    content = {
        "at": event.at.isoformat(),
        "actor": event.actor,
        "study": event.study_id,
        "action": event.action,
        "before": event.before,
        "after": event.after,
    }
    return sha256(event.previous_hash + canonical(content))


def record_event(
    *, actor: str, action: str, study: Study | None = None, before: Any = None, after: Any = None
) -> AuditEvent:
    """Append one event. Two writers cannot fork the chain: the loser takes the next place."""
    at = timezone.now()
    for _attempt in range(_TRIES):
        last = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first()
        event = AuditEvent(
            at=at,
            actor=actor,
            study=study,
            action=action,
            before=before,
            after=after,
            previous_hash=last or GENESIS,
        )
        event.hash = event_hash(event)
        try:
            with transaction.atomic():
                event.save(force_insert=True)
        except IntegrityError:
            continue
        return event
    message = _("The audit log is busy; nothing was changed. Try again.")
    raise StudyError(message)


def first_broken_event() -> tuple[int, datetime] | None:
    """Return the id and time of the first event whose hash does not follow, or None."""
    previous = GENESIS
    for event in AuditEvent.objects.order_by("id").iterator():
        if event.previous_hash != previous or event.hash != event_hash(event):
            return event.pk, event.at
        previous = event.hash
    return None
