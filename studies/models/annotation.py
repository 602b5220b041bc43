"""Annotators and what they said."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from studies.enums import AnnotatorStatus, Choice
from studies.models.comparison import Assignment, Comparison
from studies.models.study import Criterion, Study, new_token


class Annotator(models.Model):
    """Somebody who judges, known by a pseudonym."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="annotators")
    pseudonym = models.CharField(max_length=40)
    external_id = models.CharField(max_length=120, blank=True, default="")
    session_id = models.CharField(
        max_length=120, blank=True, default="", help_text="The recruiting site's word for this visit"
    )
    token = models.CharField(max_length=40, unique=True, default=new_token, help_text="The browser's secret")
    code = models.CharField(max_length=20, help_text="The completion code shown at the end")
    status = models.CharField(max_length=8, choices=AnnotatorStatus.choices, default=AnnotatorStatus.ACTIVE)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_hash = models.CharField(max_length=64, blank=True, default="", help_text="Of the text agreed to")
    instructed_at = models.DateTimeField(null=True, blank=True)
    practised = models.PositiveIntegerField(default=0, help_text="Practice pairs gone through")
    attempts = models.PositiveIntegerField(default=0, help_text="Failed attempts at the comprehension check")
    understood_at = models.DateTimeField(null=True, blank=True, help_text="Comprehension check passed")
    compared_at = models.DateTimeField(null=True, blank=True, help_text="Nothing was left to compare")
    surveyed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    survey = models.JSONField(default=dict, blank=True, help_text="Answers by the question's name")
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When personal data were erased")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint("study", "pseudonym", name="studies_annotator_pseudonym_once_per_study"),
            models.UniqueConstraint(
                fields=["study", "external_id"],
                condition=~Q(external_id=""),
                name="studies_annotator_external_id_once_per_study",
            ),
            models.CheckConstraint(
                name="studies_annotator_status_is_known", condition=Q(status__in=AnnotatorStatus.values)
            ),
            models.CheckConstraint(
                name="studies_annotator_consent_is_whole",
                condition=Q(consented_at__isnull=True, consent_hash="")
                | Q(consented_at__isnull=False, consent_hash__gt=""),
            ),
            models.CheckConstraint(
                name="studies_annotator_erased_has_nothing_personal",
                condition=Q(erased_at__isnull=True) | Q(external_id="", session_id="", code="", survey={}),
            ),
        )

    def __str__(self) -> str:
        return self.pseudonym


class Judgment(models.Model):
    """One answer to one criterion, in the slot frame."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="judgments")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="judgments")
    choice = models.CharField(max_length=8, choices=Choice.choices)
    strength = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Degrees on a graded scale; none otherwise"
    )
    reason = models.TextField(blank=True, default="")
    ticked = models.JSONField(default=list, blank=True, help_text="Reasons ticked, of those the study offers")
    active_ms = models.PositiveIntegerField(null=True, blank=True)
    key = models.UUIDField(help_text="The browser's idempotency key, one per submission")
    submitted_at = models.DateTimeField()

    class Meta:
        indexes = (
            # The median of a million active times is read from here, without a judgment.
            models.Index(fields=["criterion", "active_ms"], name="studies_judgment_active_times"),
        )
        constraints = (
            models.UniqueConstraint("assignment", "criterion", name="studies_judgment_once_per_criterion"),
            models.UniqueConstraint("key", "criterion", name="studies_judgment_key_once_per_criterion"),
            models.CheckConstraint(
                name="studies_judgment_choice_is_known", condition=Q(choice__in=Choice.values)
            ),
            models.CheckConstraint(
                name="studies_judgment_strength_fits_choice",
                condition=Q(strength__isnull=True)
                | Q(choice__in=["A", "B"], strength__gte=1, strength__lte=3)
                | Q(choice__in=["tie", "both_bad"], strength=0),
            ),
        )

    def __str__(self) -> str:
        return f"judgment {self.pk}"


class Skip(models.Model):
    """An annotator gave a comparison back, with a reason; it is not shown to them again."""

    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="skips")
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="skips")
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint("annotator", "comparison", name="studies_skip_once_per_comparison"),
            models.CheckConstraint(name="studies_skip_has_reason", condition=~Q(reason="")),
        )

    def __str__(self) -> str:
        return f"skip {self.pk}"


class Refusal(models.Model):
    """Somebody did not agree to take part: that they were there, on which day, and nothing about them."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="refusals")
    day = models.DateField()

    def __str__(self) -> str:
        return f"refusal {self.pk}"


class RevokedInvite(models.Model):
    """A link that was withdrawn: it lets nobody in any more, and says so."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="revoked_invites")
    invite = models.CharField(max_length=40, unique=True)
    revoked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"revoked invite {self.pk}"


class Exclusion(models.Model):
    """A flag that analysis reads: an annotator or one judgment, by a named rule. Nothing is deleted by it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="exclusions")
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="exclusions"
    )
    judgment = models.ForeignKey(
        Judgment, null=True, blank=True, on_delete=models.CASCADE, related_name="exclusions"
    )
    rule = models.SlugField(max_length=60)
    reason = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="studies_exclusion_of_annotator_or_judgment",
                condition=Q(annotator__isnull=False, judgment__isnull=True)
                | Q(annotator__isnull=True, judgment__isnull=False),
            ),
            models.CheckConstraint(name="studies_exclusion_has_rule", condition=~Q(rule="")),
            models.UniqueConstraint(
                fields=["annotator", "rule"],
                condition=Q(revoked_at__isnull=True, annotator__isnull=False),
                name="studies_exclusion_once_per_annotator_and_rule",
            ),
            models.UniqueConstraint(
                fields=["judgment", "rule"],
                condition=Q(revoked_at__isnull=True, judgment__isnull=False),
                name="studies_exclusion_once_per_judgment_and_rule",
            ),
        )

    def __str__(self) -> str:
        return f"exclusion {self.pk} ({self.rule})"


def new_key() -> uuid.UUID:
    """Return an idempotency key for a page that has none yet."""
    return uuid.uuid4()
