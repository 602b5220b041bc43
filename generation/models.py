"""Checkpoints and completions: the truth about what is to be generated and what has been."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from generation.endpoint.address import Endpoint
from generation.spec import CompletionRequest, FinishReason

GIVEN = "given:"
"""How the source of a checkpoint begins whose completions are written elsewhere."""

ENDPOINT = "endpoint:"
"""How the source of a checkpoint begins that a server holds, which workers call."""


class Checkpoint(models.Model):
    """A model that can write completions, and where it comes from."""

    class Status(models.TextChoices):
        """How far the checkpoint is from being loadable."""

        NEW = "new", "Not prepared yet"
        PREPARING = "preparing", "Being prepared"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    name = models.CharField(max_length=100, unique=True)
    source = models.CharField(max_length=500, help_text="package:NAME, path:FOLDER or hub:ORGANISATION/NAME")
    revision = models.CharField(max_length=100, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    stage = models.CharField(max_length=200, blank=True, default="", help_text="What preparing does now")
    error = models.TextField(blank=True, default="")
    weight_hash = models.CharField(max_length=64, blank=True, default="")
    source_hash = models.CharField(max_length=64, blank=True, default="")
    endpoint = models.JSONField(
        default=dict, blank=True, help_text="How a server is called that holds it; never the key"
    )
    facts = models.JSONField(default=dict, blank=True, help_text="Parameters, dtype, size, licence")
    prepared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="generation_checkpoint_status_is_known",
                condition=Q(status__in=["new", "preparing", "ready", "failed"]),
            ),
            models.CheckConstraint(
                name="generation_checkpoint_ready_has_hash",
                condition=~Q(status="ready") | ~Q(weight_hash="") | Q(source__startswith=ENDPOINT),
            ),
            models.CheckConstraint(
                name="generation_checkpoint_is_called_or_held",
                condition=Q(source__startswith=ENDPOINT) ^ Q(endpoint={}),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def given(self) -> bool:
        """Whether its completions are written elsewhere and imported, so that no worker can write them."""
        return self.source.startswith(GIVEN)

    @property
    def called(self) -> Endpoint | None:
        """The endpoint that writes its completions; None when a worker holds the weights itself."""
        data: dict[str, Any] = self.endpoint
        return Endpoint.from_dict(data) if data else None

    @property
    def repeatable(self) -> bool:
        """Whether its completions can be written again as they were."""
        return not self.given and not self.endpoint


class Completion(models.Model):
    """One text by one arm for one prompt. Its request travels with it, so a worker needs nothing else."""

    class Status(models.TextChoices):
        """Where a completion stands."""

        PENDING = "pending", "Waiting"
        CLAIMED = "claimed", "Being written"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    batch_key = models.UUIDField(db_index=True, help_text="The key of whatever asked for it: a study")
    prompt_key = models.UUIDField()
    arm_key = models.UUIDField()
    replicate = models.PositiveIntegerField(default=0)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="completions")
    request = models.JSONField(help_text="A CompletionRequest, as sent to the generator")
    urgent = models.BooleanField(default=False, help_text="Somebody waits for it: written before the others")
    created_at = models.DateTimeField(auto_now_add=True)

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    claimed_by = models.CharField(max_length=120, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    tokens_so_far = models.PositiveIntegerField(default=0)

    text = models.TextField(blank=True, default="")
    token_ids = models.JSONField(default=list, blank=True)
    token_count = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    finish_reason = models.CharField(max_length=8, blank=True, default="")
    forward_flops = models.FloatField(default=0)
    seconds = models.FloatField(default=0)
    provenance = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "prompt_key",
                "arm_key",
                "replicate",
                name="generation_completion_once_per_prompt_arm_replicate",
            ),
            models.CheckConstraint(
                name="generation_completion_status_is_known",
                condition=Q(status__in=["pending", "claimed", "done", "failed"]),
            ),
            models.CheckConstraint(
                name="generation_completion_claim_has_owner",
                condition=~Q(status="claimed")
                | (~Q(claimed_by="") & Q(heartbeat_at__isnull=False) & Q(claimed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="generation_completion_done_is_finished",
                condition=~Q(status="done")
                | (Q(finish_reason__in=list(FinishReason)) & Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="generation_completion_failed_has_reason",
                condition=~Q(status="failed") | ~Q(error=""),
            ),
            models.CheckConstraint(
                name="generation_completion_finished_after_claimed",
                condition=Q(finished_at__isnull=True)
                | Q(claimed_at__isnull=True)
                | Q(finished_at__gte=F("claimed_at")),
            ),
        )
        indexes = (models.Index(fields=["checkpoint", "status", "id"], name="generation_claim_order"),)

    def __str__(self) -> str:
        return f"completion {self.pk} ({self.status})"

    def as_request(self) -> CompletionRequest:
        """Return the stored request under this completion's key."""
        data: dict[str, Any] = self.request
        return CompletionRequest.from_dict(self.pk, data)


class Hold(models.Model):
    """A batch that nobody may write at present: its generation is paused."""

    batch_key = models.UUIDField(unique=True)
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.batch_key} is held"


class Worker(models.Model):
    """A process that writes completions, as it last described itself."""

    class State(models.TextChoices):
        """What it does."""

        IDLE = "idle", "Idle"
        LOADING = "loading", "Loading"
        READING = "reading", "Reading prompts"
        WRITING = "writing", "Writing"

    name = models.CharField(max_length=120, unique=True)
    node = models.CharField(max_length=120, blank=True, default="", help_text="The worker it belongs to")
    owner = models.CharField(max_length=120, blank=True, default="", help_text="As claims name it")
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.IDLE)
    activity = models.CharField(max_length=200, blank=True, default="")
    device = models.CharField(max_length=100, blank=True, default="")
    checkpoint = models.CharField(max_length=100, blank=True, default="")
    rows = models.PositiveIntegerField(default=0)
    speed = models.FloatField(default=0, help_text="Row-tokens a second")

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="generation_worker_state_is_known",
                condition=Q(state__in=["idle", "loading", "reading", "writing"]),
            ),
        )

    def __str__(self) -> str:
        return self.name
