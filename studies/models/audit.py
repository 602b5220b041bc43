"""Who did what: an append-only, hash-chained log."""

from __future__ import annotations

from django.db import models

from studies.models.study import Study


class AuditEvent(models.Model):
    """One entry. Triggers refuse updates and deletions; a unique `previous_hash` refuses forks."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=150, help_text="A login, or the command that did it")
    study = models.ForeignKey(Study, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    action = models.CharField(max_length=60)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    previous_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                name="studies_audit_hash_continues_chain",
                condition=~models.Q(hash=models.F("previous_hash")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class AuditHead(models.Model):
    """The chain's end, one row: writers queue for it, and rows that are missing at the end are noticed."""

    hash = models.CharField(max_length=64)
    events = models.PositiveBigIntegerField(help_text="How many were ever written")

    class Meta:
        constraints = (models.CheckConstraint(name="studies_audithead_is_one_row", condition=models.Q(pk=1)),)

    def __str__(self) -> str:
        return f"{self.events} events"
