"""Reports that were made: numbered, and unchangeable once they are done."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from studies.enums import ReportKind, ReportState
from studies.models.study import Study


class Report(models.Model):
    """One report of a study, from being asked for to being done. Triggers refuse any change after that.

    What it says is in its files. A failed one may be tried again under its number, so numbers have no gaps.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=ReportKind.choices, default=ReportKind.FINAL)
    state = models.CharField(max_length=8, choices=ReportState.choices, default=ReportState.QUEUED)
    asked_by = models.CharField(max_length=150, help_text="A login, or the command that did it")
    asked_at = models.DateTimeField()

    claimed_by = models.CharField(max_length=120, blank=True, default="")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent")
    stage = models.CharField(max_length=120, blank=True, default="", help_text="What is done now")
    error = models.TextField(blank=True, default="")

    read_at = models.DateTimeField(
        null=True, blank=True, help_text="When the judgments were begun to be read"
    )
    made_at = models.DateTimeField(null=True, blank=True)
    judgments = models.PositiveIntegerField(default=0)
    judgments_hash = models.CharField(
        max_length=64, blank=True, default="", help_text="Of the judgments file"
    )
    plan_hash = models.CharField(max_length=64, blank=True, default="")
    seed = models.BigIntegerField(default=0)
    versions = models.JSONField(default=dict, blank=True, help_text="Of the software that made it")

    class Meta:
        ordering = ("study", "number")
        constraints = (
            models.UniqueConstraint("study", "number", name="studies_report_number_once_per_study"),
            models.UniqueConstraint(
                fields=["study"],
                condition=Q(state__in=[ReportState.QUEUED, ReportState.RUNNING]),
                name="studies_report_one_at_a_time",
            ),
            models.CheckConstraint(name="studies_report_number_positive", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="studies_report_vocabulary_is_known",
                condition=Q(state__in=ReportState.values, kind__in=ReportKind.values),
            ),
            models.CheckConstraint(name="studies_report_progress_is_percent", condition=Q(progress__lte=100)),
            models.CheckConstraint(
                name="studies_report_running_has_owner",
                condition=~Q(state=ReportState.RUNNING)
                | (~Q(claimed_by="") & Q(heartbeat_at__isnull=False, read_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="studies_report_done_says_what_it_rests_on",
                condition=~Q(state=ReportState.DONE)
                | (Q(made_at__isnull=False, judgments_hash__gt="", plan_hash__gt="") & ~Q(versions={})),
            ),
            models.CheckConstraint(
                name="studies_report_failed_has_reason",
                condition=~Q(state=ReportState.FAILED) | ~Q(error=""),
            ),
        )

    def __str__(self) -> str:
        return f"report {self.number} of {self.study.slug}"


class ReportFile(models.Model):
    """One file of a report, packed. Triggers refuse to add, change or delete one of a report that is done."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="files")
    name = models.SlugField(max_length=20, help_text="A format, or a part that only the program reads")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="Bytes, unpacked")
    packed = models.BinaryField(help_text="The bytes, by zlib")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint("report", "name", name="studies_reportfile_name_once_per_report"),
        )

    def __str__(self) -> str:
        return f"{self.name} of report {self.report_id}"
