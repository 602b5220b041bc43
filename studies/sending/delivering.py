"""Send what is due, each notice by one worker at a time, and again where it came to nothing.

A worker that dies between the sending and the record of it leaves a notice that is sent once more, with
the same id: receivers tell by that. Nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.domain.audit import record_event
from studies.enums import NoticeState
from studies.models import Notice, NoticeTarget
from studies.sending.mail import mail
from studies.sending.webhook import SECONDS, Answer, call

WAITS = (10, 60, 300, 1800, 7200, 21_600, 43_200, 86_400)
"""Seconds before each further attempt; after the last one a notice is given up."""
MOST_FAILURES = 20
"""Attempts in a row, of whatever notices, after which a target is switched off."""
_LEASE = timedelta(seconds=4 * SECONDS)
_AT_A_TIME = 120
"""Seconds after which a worker does other things in between."""
_KEEP = timedelta(days=90)


def deliver_due(*, check: Callable[[], None] = lambda: None) -> int:
    """Send the notices whose time has come; return how many attempts that took."""
    ends, attempts = time.monotonic() + _AT_A_TIME, 0
    while time.monotonic() < ends:
        check()
        notice = _claim(timezone.now())
        if notice is None:
            break
        attempts += 1
        _record(notice, call(notice) if notice.target.url else mail(notice))
    Notice.objects.filter(state=NoticeState.SENT, sent_at__lt=timezone.now() - _KEEP).delete()
    return attempts


def _claim(now: datetime) -> Notice | None:
    """Take the notice that has waited longest; while it is sent, nobody else finds it due."""
    due = Notice.objects.filter(state=NoticeState.WAITING, next_try_at__lte=now, target__off_since=None)
    for notice in due.order_by("next_try_at", "id").select_related("target__study", "target__user"):
        mine = Notice.objects.filter(
            pk=notice.pk, state=NoticeState.WAITING, next_try_at=notice.next_try_at
        ).update(next_try_at=now + _LEASE, attempts=F("attempts") + 1)
        if mine:
            notice.attempts += 1
            return notice
    return None


@transaction.atomic
def _record(notice: Notice, answer: Answer) -> None:
    target = NoticeTarget.objects.select_for_update().filter(pk=notice.target_id).first()
    if target is None:  # removed meanwhile, and the notice with it
        return
    mine = Notice.objects.filter(pk=notice.pk, state=NoticeState.WAITING)
    said = {"answer": answer.status, "error": answer.problem[:300]}
    if not answer.problem:
        mine.update(state=NoticeState.SENT, next_try_at=None, sent_at=timezone.now(), **said)
        NoticeTarget.objects.filter(pk=target.pk).update(failures=0)
        return
    if answer.final or notice.attempts > len(WAITS):
        mine.update(state=NoticeState.FAILED, next_try_at=None, **said)
    else:
        wait = timedelta(seconds=WAITS[notice.attempts - 1])
        mine.update(next_try_at=timezone.now() + wait, **said)
    _count(target, answer)


def _count(target: NoticeTarget, answer: Answer) -> None:
    """Count a failure; switch a target off that fails for good, or has failed often."""
    target.failures += 1
    if answer.final or target.failures >= MOST_FAILURES:
        target.off_since = timezone.now()
        target.off_reason = (
            answer.problem[:300]
            if answer.final
            else _("{number} attempts in a row came to nothing, the last one so: {problem}").format(
                number=target.failures, problem=answer.problem
            )[:300]
        )
        record_event(
            actor="evenhand",
            action="notices.switched_off",
            study=target.study,
            after={"target": str(target), "reason": target.off_reason},
        )
    target.save(update_fields=["failures", "off_since", "off_reason"])
