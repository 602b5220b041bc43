"""The log, filtered, and what of it may be told."""

from __future__ import annotations

import json
import zlib
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from studies.models import AuditEvent, Origin, Study

UNBLINDING = frozenset({"completion.redrawn"})
"""Events whose details say which arm wrote what: withheld until their study is closed."""


def events(
    study: Study | None,
    *,
    actor: str = "",
    action: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[AuditEvent]:
    """Return the log of a study (None: of the whole site), the latest first."""
    found = AuditEvent.objects.select_related("study").order_by("-id")
    if study is not None:
        found = found.filter(study=study)
    if actor:
        found = found.filter(actor=actor)
    if action:
        found = found.filter(action=action)
    if since:
        found = found.filter(at__date__gte=since)
    if until:
        found = found.filter(at__date__lte=until)
    return found


def logged(study: Study, action: str) -> list[AuditEvent]:
    """Return what was done with a study, the first first: also before it was taken in from elsewhere."""
    origin = Origin.objects.filter(study=study).first()
    lines = zlib.decompress(origin.log).splitlines() if origin else []
    foreign = [entry for entry in map(json.loads, lines) if entry["action"] == action]
    found = [
        AuditEvent(
            at=datetime.fromisoformat(entry["at"]),
            actor=entry["actor"],
            study=study,
            action=action,
            before=entry["before"],
            after=entry["after"],
        )
        for entry in foreign
    ]
    return [*found, *AuditEvent.objects.filter(study=study, action=action).order_by("id")]


def actions(study: Study | None) -> list[str]:
    """Return the kinds of events that the log has."""
    return list(events(study).order_by("action").values_list("action", flat=True).distinct())


def withheld(event: AuditEvent) -> bool:
    """Return whether an event's details would unblind a study that is not closed."""
    return event.action in UNBLINDING and event.study is not None and not event.study.unblinded


def told(event: AuditEvent) -> dict[str, Any]:
    """Return what a file of the log says of an event; no details of one that would unblind."""
    hidden = withheld(event)
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "study": event.study.slug if event.study else None,
        "action": event.action,
        "before": None if hidden else event.before,
        "after": None if hidden else event.after,
        "withheld": hidden,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }
