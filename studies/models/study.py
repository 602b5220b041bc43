"""The plan of an experiment: study, criteria, arms, prompts."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from generation.models import Checkpoint
from generation.spec import DecodingSpec, Message
from studies.enums import FROZEN, UNBLINDED, Design, Draws, Family, Scale, StudyStatus, TextFormat, TieRule


def new_token() -> str:
    """Return an unguessable word for a link."""
    return secrets.token_urlsafe(16)


def new_seed() -> int:
    """Return a seed that every database can store."""
    return secrets.randbits(53)


class Study(models.Model):
    """One experiment. The plan's columns are frozen by a trigger once `plan_hash` is set."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200, help_text="Annotators read it, so it names no arm")
    description = models.TextField(blank=True, default="", help_text="For researchers only")
    instructions = models.TextField()
    consent = models.TextField()
    status = models.CharField(max_length=10, choices=StudyStatus.choices, default=StudyStatus.DRAFT)
    seed = models.BigIntegerField(default=new_seed)
    overlap = models.PositiveIntegerField(default=2, help_text="Judgments per comparison (k)")
    quota = models.PositiveIntegerField(default=20, help_text="Comparisons per annotator, at most")
    tie_rule = models.CharField(max_length=4, choices=TieRule.choices, default=TieRule.HALF)
    draws = models.CharField(max_length=11, choices=Draws.choices, default=Draws.INDEPENDENT)
    design = models.CharField(max_length=9, choices=Design.choices, default=Design.BASELINE)
    replicates = models.PositiveIntegerField(default=1)
    text_format = models.CharField(max_length=8, choices=TextFormat.choices, default=TextFormat.PLAIN)
    lease_minutes = models.PositiveIntegerField(default=30)
    min_exposure_ms = models.PositiveIntegerField(default=1000)
    minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Expected minutes; the consent page says them"
    )
    simulated = models.BooleanField(default=False)
    checks = models.JSONField(
        default=dict, blank=True, help_text="Attention checks per annotator, by how they are made"
    )
    written_checks = models.JSONField(
        default=list, blank=True, help_text="Attention checks that the researcher wrote"
    )
    repeats = models.PositiveIntegerField(default=0, help_text="Swapped repeats per annotator")
    practice = models.JSONField(default=list, blank=True, help_text="Pairs to practise with, with feedback")
    comprehension = models.JSONField(
        default=list, blank=True, help_text="Questions about the instructions, with two attempts"
    )
    quality = models.JSONField(
        default=dict, blank=True, help_text="Thresholds of the rules that exclude annotators"
    )
    analysis = models.JSONField(
        default=dict, blank=True, help_text="How the judgments will be analysed; defaults where it is silent"
    )
    recruiting = models.JSONField(
        default=dict, blank=True, help_text="The recruiting site's completion codes and return link"
    )
    survey = models.JSONField(default=list, blank=True, help_text="Questions after the comparisons")
    differences = models.BooleanField(
        default=False, help_text="Annotators may have the words marked that differ"
    )
    reasons = models.JSONField(
        default=dict, blank=True, help_text="Reasons to tick, and whether one must be given"
    )

    retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days after closing for which personal data are kept"
    )

    plan = models.JSONField(null=True, blank=True)
    plan_hash = models.CharField(max_length=64, blank=True, default="")
    invite = models.CharField(max_length=40, unique=True, default=new_token)
    answer_marker = models.CharField(
        max_length=40, blank=True, default="", help_text="What stands before the answer of a chain of thought"
    )
    invite_until = models.DateTimeField(
        null=True, blank=True, help_text="When the link stops letting newcomers in"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    extension = models.PositiveIntegerField(
        default=0, help_text="Judgments per comparison added to the plan's after opening"
    )
    additions = models.PositiveIntegerField(
        default=0, help_text="How often prompts were added to the plan's after opening"
    )
    unblinded_at = models.DateTimeField(null=True, blank=True, help_text="When it was unblinded early")

    class Meta:
        verbose_name_plural = "studies"
        constraints = (
            models.CheckConstraint(
                name="studies_study_status_is_known", condition=Q(status__in=StudyStatus.values)
            ),
            models.CheckConstraint(
                name="studies_study_opens_with_frozen_plan",
                condition=Q(status__in=FROZEN, plan_hash__gt="", opened_at__isnull=False)
                | (~Q(status__in=FROZEN) & Q(plan_hash="")),
            ),
            models.CheckConstraint(
                name="studies_study_closed_has_time",
                condition=~Q(status__in=UNBLINDED) | Q(closed_at__isnull=False),
            ),
            models.CheckConstraint(name="studies_study_overlap_positive", condition=Q(overlap__gte=1)),
            models.CheckConstraint(name="studies_study_quota_positive", condition=Q(quota__gte=1)),
            models.CheckConstraint(name="studies_study_replicates_positive", condition=Q(replicates__gte=1)),
            models.CheckConstraint(name="studies_study_lease_positive", condition=Q(lease_minutes__gte=1)),
            models.CheckConstraint(
                name="studies_study_vocabulary_is_known",
                condition=Q(tie_rule__in=TieRule.values)
                & Q(draws__in=Draws.values)
                & Q(design__in=Design.values)
                & Q(text_format__in=TextFormat.values),
            ),
        )

    def __str__(self) -> str:
        return self.slug

    @property
    def frozen(self) -> bool:
        """Whether the plan may no longer change."""
        return self.status in FROZEN

    @property
    def markdown(self) -> bool:
        """Whether its texts are shown as Markdown, and the formulas in them as such."""
        return self.text_format == TextFormat.MARKDOWN

    @property
    def unblinded(self) -> bool:
        """Whether researchers may see which arm wrote what: it is closed, or was unblinded early."""
        return self.closed or self.unblinded_at is not None

    @property
    def closed(self) -> bool:
        """Whether the collection has ended for good."""
        return self.status in UNBLINDED

    @property
    def judgments_each(self) -> int:
        """How many judgments each comparison is to get: the plan's k, and what was added to it."""
        return self.overlap + self.extension


class Criterion(models.Model):
    """A question that every comparison is judged by."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveIntegerField()
    name = models.SlugField(max_length=40)
    question = models.CharField(max_length=300)
    scale = models.CharField(max_length=11, choices=Scale.choices, default=Scale.TIE)
    primary = models.BooleanField(default=False)

    class Meta:
        ordering = ("position",)
        verbose_name_plural = "criteria"
        constraints = (
            models.UniqueConstraint("study", "name", name="studies_criterion_name_once_per_study"),
            models.UniqueConstraint("study", "position", name="studies_criterion_position_once_per_study"),
            models.UniqueConstraint(
                fields=["study"], condition=Q(primary=True), name="studies_criterion_one_primary"
            ),
            models.CheckConstraint(
                name="studies_criterion_scale_is_known", condition=Q(scale__in=Scale.values)
            ),
        )

    def __str__(self) -> str:
        return self.name


class Arm(models.Model):
    """A way of generating text. The baseline is what candidates are compared with."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="arms")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    baseline = models.BooleanField(default=False)
    control = models.BooleanField(
        default=False, help_text="A declared A/A control: may decode as the baseline does"
    )
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    spec = models.JSONField(help_text="A DecodingSpec")
    spec_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint("study", "name", name="studies_arm_name_once_per_study"),
            models.UniqueConstraint("study", "position", name="studies_arm_position_once_per_study"),
            models.UniqueConstraint(
                fields=["study"], condition=Q(baseline=True), name="studies_arm_one_baseline"
            ),
            models.UniqueConstraint(
                fields=["study", "spec_hash"],
                condition=Q(control=False),
                name="studies_arm_specs_differ_unless_control",
            ),
            models.CheckConstraint(
                name="studies_arm_baseline_is_no_control", condition=~Q(baseline=True, control=True)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def decoding(self) -> DecodingSpec:
        """The spec as the engine reads it."""
        data: dict[str, Any] = self.spec
        return DecodingSpec.from_dict(data)


class Prompt(models.Model):
    """What both arms answer: a conversation, or a plain text."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="prompts")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    addition = models.PositiveIntegerField(
        default=0, help_text="0: of the plan; else which of the additions after opening brought it"
    )
    family = models.CharField(max_length=16, choices=Family.choices, default=Family.CHAT)
    stratum = models.CharField(max_length=60, blank=True, default="")
    source = models.CharField(max_length=200, blank=True, default="")
    answer = models.CharField(
        max_length=200, blank=True, default="", help_text="The right answer, where there is one"
    )
    messages = models.JSONField(default=list, blank=True)
    text = models.TextField(blank=True, default="")
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint("study", "name", name="studies_prompt_name_once_per_study"),
            models.UniqueConstraint("study", "position", name="studies_prompt_position_once_per_study"),
            models.UniqueConstraint("study", "content_hash", name="studies_prompt_unique_within_study"),
            models.CheckConstraint(
                name="studies_prompt_is_conversation_or_text",
                condition=(Q(text="") & ~Q(messages=[])) | (~Q(text="") & Q(messages=[])),
            ),
            models.CheckConstraint(
                name="studies_prompt_family_is_known", condition=Q(family__in=Family.values)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def turns(self) -> tuple[Message, ...]:
        """The conversation; a plain prompt is one user turn, for showing."""
        if self.text:
            return (Message("user", self.text),)
        return tuple(Message(**message) for message in self.messages)
