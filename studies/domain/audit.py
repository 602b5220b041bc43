"""The append-only, hash-chained log of who did what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.domain.errors import StudyError
from studies.models import AuditEvent, AuditHead, Study

GENESIS = "0" * 64
HEAD = 1
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


@dataclass(frozen=True, slots=True)
class Break:
    """Where the log is not what was written."""

    event: int
    """The row's id."""
    at: datetime | None
    what: str


def record_event(
    *, actor: str, action: str, study: Study | None = None, before: Any = None, after: Any = None
) -> AuditEvent:
    """Append one event. Writers queue for the chain's head until the one before has committed.

    Judgments are no events, so annotators never wait here, except when they take an answer back. The
    lock is held to the end of the caller's transaction: a verb records last, after its other locks.
    """
    at = timezone.now()
    for _attempt in range(_TRIES):
        event = AuditEvent(at=at, actor=actor, study=study, action=action, before=before, after=after)
        try:
            with transaction.atomic():
                _append(event)
        except IntegrityError:  # two first events of an installation
            continue
        return event
    message = _("The audit log is busy; nothing was changed. Try again.")
    raise StudyError(message)


def _append(event: AuditEvent) -> None:
    head = AuditHead.objects.select_for_update().filter(pk=HEAD).first()
    last = head.hash if head else AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first()
    event.previous_hash = last or GENESIS
    event.hash = event_hash(event)
    event.save(force_insert=True)
    if head:
        AuditHead.objects.filter(pk=HEAD).update(hash=event.hash, events=head.events + 1)
    elif last is None:
        AuditHead.objects.create(pk=HEAD, hash=event.hash, events=1)


def find_break() -> Break | None:
    """Return the first place where a row was changed, deleted, inserted or moved; None for a whole log."""
    previous, number = GENESIS, 0
    for event in AuditEvent.objects.order_by("id").iterator():
        if event.hash != event_hash(event):
            return Break(event.pk, event.at, "was changed: it does not say what its hash was made of")
        if event.previous_hash != previous:
            return Break(event.pk, event.at, _misplaced(event, previous))
        previous, number = event.hash, number + 1
    return _broken_end(previous, number)


def _misplaced(event: AuditEvent, previous: str) -> str:
    if AuditEvent.objects.filter(hash=event.previous_hash).exists():
        return "is not in its place: it follows another row than the one before it"
    if AuditEvent.objects.filter(previous_hash=previous).exists():
        return "was inserted: no row of the log leads to it"
    return "follows a row that is gone: one or more before it were deleted"


def _broken_end(last: str, number: int) -> Break | None:
    head = AuditHead.objects.filter(pk=HEAD).first()
    if (head is None and not number) or (head and head.hash == last and head.events == number):
        return None
    newest = AuditEvent.objects.order_by("-id").first()
    kept = f"{head.events} were written and {number} are there" if head else "the chain's head is gone"
    return Break(
        newest.pk if newest else 0, newest.at if newest else None, f"is not the end of the log: {kept}"
    )
