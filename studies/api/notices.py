"""Who is told of what: webhooks, the alarm of quality, what was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status

from studies.api.finding import caller_of, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.problems import ProblemError
from studies.api.schemas import Given, Text
from studies.domain import notice_targets
from studies.domain.notices import OFFERED
from studies.enums import Ability, NoticeEvent
from studies.models import Notice, NoticeTarget
from studies.sending.addresses import check_url

router = Router(tags=["notices"])
Percent = Annotated[int, Field(ge=1, le=100)]


class WebhookIn(Given):
    """An address, and the events it is called for (default: all)."""

    url: Annotated[Text, Field(min_length=1, max_length=500)]
    events: Annotated[list[NoticeEvent], Field(min_length=1)] = list(OFFERED)


class WebhookOut(Schema):
    """A webhook; `secret` only in the answer that makes it."""

    webhook: int
    url: str
    events: list[str]
    off_since: datetime | None
    off_reason: str
    secret: str | None = None


class AlarmIn(Given):
    """From when on the quality of the answers is worth a notice; null switches that kind off."""

    flagged_percent: Percent | None
    failed_percent: Percent | None


class NoticeOut(Schema):
    """A notice to a webhook, and how its sending goes."""

    notice: int
    id: str
    event: str
    webhook: int
    state: str
    attempts: int
    created_at: datetime
    next_try_at: datetime | None
    sent_at: datetime | None
    answer: int | None
    error: str


@router.get("/studies/{slug:slug}/webhooks", response=Page[WebhookOut], operation_id="list_webhooks")
def list_webhooks(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the webhooks of a study, without their secrets."""
    study = study_for(request, slug, Ability.CONDUCT)
    rows = notice_targets.webhooks(study)
    return paged(request, response, query, rows, lambda page: [_webhook(one) for one in page])


@router.post("/studies/{slug:slug}/webhooks", response={201: WebhookOut}, operation_id="add_webhook")
def add_webhook(request: HttpRequest, slug: str, given: WebhookIn) -> Any:
    """Add a webhook. Its secret is told once, so this takes no Idempotency-Key."""
    if "Idempotency-Key" in request.headers:
        message = "A secret is told once and kept nowhere, so adding a webhook takes no Idempotency-Key."
        raise ProblemError("bad-request", message)
    study = study_for(request, slug, Ability.CONDUCT)
    target, secret = notice_targets.add_webhook(
        study=study,
        url=check_url(given.url, settings.NOTICE_ADDRESSES),
        events=given.events,
        actor=caller_of(request).name,
    )
    return Status(201, _webhook(target) | {"secret": secret})


@router.delete(
    "/studies/{slug:slug}/webhooks/{int:webhook}", response={204: None}, operation_id="remove_webhook"
)
def remove_webhook(request: HttpRequest, slug: str, webhook: int) -> Any:
    """Call an address no more."""
    target = _found(request, slug, webhook)
    notice_targets.remove_webhook(target=target, actor=caller_of(request).name)
    return Status(204, None)


@router.post(
    "/studies/{slug:slug}/webhooks/{int:webhook}/test", response=WebhookOut, operation_id="test_webhook"
)
def test_webhook(request: HttpRequest, slug: str, webhook: int) -> Any:
    """Send a notice that says that it is a test; the list of notices tells how it went."""
    target = _found(request, slug, webhook)
    notice_targets.send_test(target=target)
    return _webhook(target)


@router.post(
    "/studies/{slug:slug}/webhooks/{int:webhook}/on", response=WebhookOut, operation_id="switch_webhook_on"
)
def switch_on(request: HttpRequest, slug: str, webhook: int) -> Any:
    """Call a webhook again that was switched off; what waited is sent."""
    target = _found(request, slug, webhook)
    notice_targets.switch_on(target=target, actor=caller_of(request).name)
    return _webhook(target)


@router.put("/studies/{slug:slug}/alarm", response=AlarmIn, operation_id="set_alarm")
def set_alarm(request: HttpRequest, slug: str, given: AlarmIn) -> Any:
    """Keep from when on the quality of the answers is worth a notice."""
    study = study_for(request, slug, Ability.CONDUCT)
    alarm = notice_targets.set_alarm(study=study, actor=caller_of(request).name, **given.dict())
    return {"flagged_percent": alarm.flagged_percent, "failed_percent": alarm.failed_percent}


@router.get("/studies/{slug:slug}/notices", response=Page[NoticeOut], operation_id="list_notices")
def list_notices(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List what was sent to the webhooks and what waits, the latest first."""
    study = study_for(request, slug, Ability.CONDUCT)
    rows = Notice.objects.filter(target__study=study, target__user=None)
    return paged(request, response, query, rows, lambda page: [_notice(one) for one in page])


@router.post(
    "/studies/{slug:slug}/notices/{int:notice}/retry", response=NoticeOut, operation_id="retry_notice"
)
def retry(request: HttpRequest, slug: str, notice: int) -> Any:
    """Send a notice again that was given up, or at once if it waits."""
    study = study_for(request, slug, Ability.CONDUCT)
    found = get_object_or_404(Notice, target__study=study, target__user=None, pk=notice)
    notice_targets.retry_notice(notice=found)
    found.refresh_from_db()
    return _notice(found)


def _found(request: HttpRequest, slug: str, webhook: int) -> NoticeTarget:
    study = study_for(request, slug, Ability.CONDUCT)
    return get_object_or_404(NoticeTarget, study=study, user=None, pk=webhook)


def _webhook(target: NoticeTarget) -> dict[str, Any]:
    return {
        "webhook": target.pk,
        "url": target.url,
        "events": target.events.split(),
        "off_since": target.off_since,
        "off_reason": target.off_reason,
    }


def _notice(one: Notice) -> dict[str, Any]:
    return {
        "notice": one.pk,
        "id": str(one.key),
        "event": one.event,
        "webhook": one.target_id,
        "state": one.state,
        "attempts": one.attempts,
        "created_at": one.created_at,
        "next_try_at": one.next_try_at,
        "sent_at": one.sent_at,
        "answer": one.answer,
        "error": one.error,
    }
