"""How far a study is: completions, slots, annotators, time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from generation.models import Completion
from studies.enums import Kind
from studies.models import Annotator, Assignment, Judgment, Study


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """The rows of a slot plan. Before a study opens there are none."""

    planned: int = 0
    filled: int = 0
    leased: int = 0
    annotators: int = 0
    """Those who have consented."""
    finished: int = 0

    @property
    def full(self) -> bool:
        """Whether every planned row has its answer."""
        return 0 < self.planned == self.filled


@dataclass(frozen=True, slots=True)
class CompletionCounts:
    """The completions that a study has asked for."""

    total: int = 0
    done: int = 0
    failed: int = 0


def slot_counts(studies: Iterable[Study]) -> dict[int, SlotCounts]:
    """Return the counts of each study, by primary key, in two queries for any number of studies."""
    wanted = [study.pk for study in studies]
    filled = Q(submitted_at__isnull=False)
    leased = Q(submitted_at__isnull=True, lease_expires_at__gt=timezone.now())
    slots = (
        Assignment.objects.filter(study__in=wanted, comparison__kind=Kind.REAL)
        .order_by()
        .values_list("study")
        .annotate(planned=Count("id"), filled=Count("id", filter=filled), leased=Count("id", filter=leased))
    )
    people = (
        Annotator.objects.filter(study__in=wanted, consented_at__isnull=False)
        .order_by()
        .values_list("study")
        .annotate(all=Count("id"), finished=Count("id", filter=Q(finished_at__isnull=False)))
    )
    rows = {study: counts for study, *counts in slots}
    heads = {study: counts for study, *counts in people}
    return {pk: SlotCounts(*rows.get(pk, (0, 0, 0)), *heads.get(pk, (0, 0))) for pk in wanted}


def completion_counts(studies: Iterable[Study]) -> dict[UUID, CompletionCounts]:
    """Return what each study's workers have done, by the study's key, in one query."""
    status = Completion.Status
    wanted = [study.key for study in studies]
    found = (
        Completion.objects.filter(batch_key__in=wanted)
        .values_list("batch_key")
        .annotate(
            total=Count("id"),
            done=Count("id", filter=Q(status=status.DONE)),
            failed=Count("id", filter=Q(status=status.FAILED)),
        )
    )
    counts = {key: CompletionCounts(*rest) for key, *rest in found}
    return {key: counts.get(key, CompletionCounts()) for key in wanted}


def median_active_ms(study: Study) -> int | None:
    """Return the median active time of an answer (of its primary criterion, which every answer has)."""
    times = (
        # By the criterion alone: it belongs to one study, and a million rows need not be joined for that.
        Judgment.objects.filter(criterion__study=study, criterion__primary=True, active_ms__isnull=False)
        .order_by("active_ms")
        .values_list("active_ms", flat=True)
    )
    number = times.count()
    if not number:
        return None
    middle = times[(number - 1) // 2 : number // 2 + 1]
    return round(sum(int(value or 0) for value in middle) / len(middle))
