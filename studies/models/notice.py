"""Who is told of what, and the outbox of what they are told."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from studies.enums import NoticeEvent, NoticeState
from studies.models.study import Study, new_token

_PERCENT = 100


class NoticeTarget(models.Model):
    """Where notices of a study go: an account's e-mail, or a webhook.

    A webhook's secret is not kept: it is derived from the site's secret key and ``salt`` whenever it is
    needed, so whoever reads the database cannot sign. ``secret_hash`` tells when it became another one.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="notice_targets")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    url = models.CharField(max_length=500, blank=True, default="")
    events = models.CharField(max_length=120, help_text="Words, parted by spaces")
    salt = models.CharField(max_length=40, default=new_token)
    secret_hash = models.CharField(max_length=64, blank=True, default="")
    failures = models.PositiveIntegerField(default=0, help_text="Attempts in a row that came to nothing")
    off_since = models.DateTimeField(null=True, blank=True)
    off_reason = models.CharField(max_length=300, blank=True, default="")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                name="studies_noticetarget_is_account_or_address",
                condition=Q(user=None, url__gt="", secret_hash__gt="")
                | Q(user__isnull=False, url="", secret_hash=""),
            ),
            models.CheckConstraint(name="studies_noticetarget_has_an_event", condition=Q(events__gt="")),
            models.UniqueConstraint(
                fields=["study", "user"],
                condition=Q(user__isnull=False),
                name="studies_noticetarget_account_once_per_study",
            ),
            models.UniqueConstraint(
                fields=["study", "url"],
                condition=Q(url__gt=""),
                name="studies_noticetarget_address_once_per_study",
            ),
        )

    def __str__(self) -> str:
        return self.url or str(self.user)


class Notice(models.Model):
    """One notice to one target: written in the transaction of what it tells of, sent by a worker."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    target = models.ForeignKey(NoticeTarget, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=20)
    occasion = models.CharField(max_length=80, help_text="What it tells of, told apart from its likes")
    body = models.TextField(help_text="The JSON that is sent, to the byte")
    state = models.CharField(max_length=7, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    answer = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The last HTTP status")
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["target", "occasion"], name="studies_notice_occasion_once_per_target"
            ),
            models.CheckConstraint(
                name="studies_notice_event_is_known", condition=Q(event__in=NoticeEvent.values)
            ),
            models.CheckConstraint(
                name="studies_notice_waits_for_a_time",
                condition=Q(state=NoticeState.WAITING, next_try_at__isnull=False, sent_at=None)
                | Q(state=NoticeState.SENT, next_try_at=None, sent_at__isnull=False)
                | Q(state=NoticeState.FAILED, next_try_at=None, sent_at=None),
            ),
        )
        indexes = (
            models.Index(
                fields=["next_try_at"], condition=Q(state=NoticeState.WAITING), name="studies_notice_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event} to {self.target}"


class Alarm(models.Model):
    """When the quality of a study's answers is worth a notice, and whether it has been told of."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="alarm")
    flagged_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, default=20, help_text="Annotators that the plan's rules would newly exclude"
    )
    failed_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, default=30, help_text="Attention checks that were not passed"
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    raised = models.BooleanField(default=False, help_text="Told of, and not below the thresholds since")
    number = models.PositiveIntegerField(default=0, help_text="How often it was raised")

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="studies_alarm_percents_are_percents",
                condition=(Q(flagged_percent=None) | Q(flagged_percent__range=(1, _PERCENT)))
                & (Q(failed_percent=None) | Q(failed_percent__range=(1, _PERCENT))),
            ),
        )

    def __str__(self) -> str:
        return f"alarm of {self.study}"
