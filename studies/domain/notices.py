"""The outbox: what is told to whom, written in the transaction of what it tells of.

Whoever writes here sends nothing. A worker sends what is due, and looks for it from time to time, so a
broker that is away delays a notice and loses none.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from studies.enums import NoticeEvent, NoticeState
from studies.models import Notice, NoticeTarget, Study

TASK = "studies.send_notices"
OFFERED = tuple(event for event in NoticeEvent if event is not NoticeEvent.TEST)
"""The events that a target can be told of."""
_EXPIRES = 300
_log = logging.getLogger(__name__)


def announce(*, study: Study, event: NoticeEvent, occasion: str, **facts: Any) -> int:
    """Tell every target that wants this event, once for each occasion, however often it is called."""
    targets = NoticeTarget.objects.filter(study=study)
    wanted = [target for target in targets if event.value in target.events.split()]
    return write(wanted, study=study, event=event, occasion=occasion, **facts)


def write(
    targets: list[NoticeTarget], *, study: Study, event: NoticeEvent, occasion: str, **facts: Any
) -> int:
    """Put a notice to each of ``targets`` into the outbox; return how many are to be told."""
    if not targets:
        return 0
    now = timezone.now()
    body = {
        "type": event.value,
        "timestamp": now.isoformat(),
        "data": {"study": study.slug, "title": study.title, "status": study.status, "page": page_of(study)}
        | facts,
    }
    text = json.dumps(body, ensure_ascii=False)
    Notice.objects.bulk_create(
        (
            Notice(target=target, event=event, occasion=occasion, body=text, created_at=now, next_try_at=now)
            for target in targets
        ),
        ignore_conflicts=True,
    )
    transaction.on_commit(call_worker)
    return len(targets)


def page_of(study: Study) -> str:
    """Return the address of a study's page."""
    return f"{settings.SITE_URL}{reverse('studies:study', args=[study.slug])}"


def due() -> bool:
    """Whether a notice waits whose time has come."""
    waiting = Notice.objects.filter(state=NoticeState.WAITING, next_try_at__lte=timezone.now())
    return waiting.filter(target__off_since=None).exists()


def call_worker() -> None:
    """Tell the workers; a dead broker does no harm, for they look for what waits."""
    try:
        current_app.send_task(TASK, retry=False, expires=_EXPIRES)
    except Exception as error:  # noqa: BLE001 - whatever the broker's transport raises
        _log.warning("the broker did not take the message, so the next sweep will: %s", error)
