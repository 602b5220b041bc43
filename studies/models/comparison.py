"""Pairs of completions and the slot plan: k rows for each comparison, never more."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from generation.models import Completion
from studies.enums import Decoy, Frame, Kind, Slot
from studies.models.study import Arm, Prompt, Study


class Comparison(models.Model):
    """A candidate's and the baseline's completion of one prompt.

    An attention check shows the decoy instead of the completion of the arm that it replaces. One that a
    researcher wrote shows texts of its own in all places: the pair only lends it the two sides.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="comparisons")
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="comparisons")
    candidate_arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="+")
    baseline_arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(Completion, on_delete=models.PROTECT, related_name="+")
    baseline = models.ForeignKey(Completion, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.REAL)
    identical = models.BooleanField(
        default=False, help_text="Both texts are the same: an automatic tie, never shown"
    )
    decoy = models.TextField(blank=True, default="", help_text="The inferior response of a check")
    intact = models.TextField(
        blank=True, default="", help_text="The better response of a check that a researcher wrote"
    )
    asked = models.TextField(blank=True, default="", help_text="The prompt of such a check")
    decoy_made = models.CharField(max_length=10, choices=Decoy.choices, blank=True, default="")
    replaced = models.CharField(max_length=9, choices=Frame.choices, blank=True, default="")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                name="studies_comparison_arms_differ", condition=~Q(candidate_arm=F("baseline_arm"))
            ),
            models.CheckConstraint(
                name="studies_comparison_completions_differ", condition=~Q(candidate=F("baseline"))
            ),
            models.CheckConstraint(
                name="studies_comparison_kind_is_known", condition=Q(kind__in=Kind.values)
            ),
            models.CheckConstraint(
                name="studies_comparison_check_has_decoy",
                condition=Q(
                    kind=Kind.CHECK, decoy__gt="", decoy_made__in=Decoy.values, replaced__in=Frame.values
                )
                | (~Q(kind=Kind.CHECK) & Q(decoy="", decoy_made="", replaced="")),
            ),
            models.CheckConstraint(
                name="studies_comparison_written_check_is_whole",
                condition=Q(decoy_made=Decoy.WRITTEN, intact__gt="", asked__gt="")
                | (~Q(decoy_made=Decoy.WRITTEN) & Q(intact="", asked="")),
            ),
            models.UniqueConstraint(
                "candidate", "baseline", "kind", name="studies_comparison_once_per_pair_and_kind"
            ),
        )

    def __str__(self) -> str:
        return f"comparison {self.pk}"


class Assignment(models.Model):
    """One planned row of the slot plan, claimed by one annotator under a lease.

    Free: no annotator, or a lease that ran out before an answer. A trigger refuses row k + 1.
    A row of a check or a repeat is one annotator's own from its insertion on, with no end of lease
    that matters; triggers refuse to hand it on.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="For the browser")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="assignments")
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="assignments")
    ordinal = models.PositiveIntegerField(
        help_text="1 to k within the comparison; of an own row, the annotator's id"
    )
    candidate_slot = models.CharField(max_length=1, choices=Slot.choices)
    sort_key = models.BigIntegerField(help_text="Stored random order")
    annotator = models.ForeignKey(
        "studies.Annotator",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assignments",
    )
    leased_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("comparison", "ordinal")
        constraints = (
            models.UniqueConstraint("comparison", "ordinal", name="studies_assignment_ordinal_once"),
            models.UniqueConstraint(
                fields=["comparison", "annotator"],
                condition=Q(annotator__isnull=False),
                name="studies_assignment_annotator_meets_comparison_once",
            ),
            models.UniqueConstraint(
                fields=["annotator"],
                condition=Q(submitted_at__isnull=True, annotator__isnull=False),
                name="studies_assignment_one_open_per_annotator",
            ),
            models.CheckConstraint(
                name="studies_assignment_slot_is_known", condition=Q(candidate_slot__in=Slot.values)
            ),
            models.CheckConstraint(name="studies_assignment_ordinal_positive", condition=Q(ordinal__gte=1)),
            models.CheckConstraint(
                name="studies_assignment_lease_is_whole",
                condition=Q(
                    annotator__isnull=True,
                    leased_at__isnull=True,
                    lease_expires_at__isnull=True,
                    submitted_at__isnull=True,
                )
                | Q(annotator__isnull=False, leased_at__isnull=False, lease_expires_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=["study", "lease_expires_at", "sort_key"],
                condition=Q(submitted_at__isnull=True),
                name="studies_assignment_free_rows",
            ),
        )

    def __str__(self) -> str:
        return f"assignment {self.pk}"
