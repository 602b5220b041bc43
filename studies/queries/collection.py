"""How the collection goes: which comparisons are filled how far, when answers came, what was reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Q
from django.db.models.functions import TruncDay, TruncHour, TruncMinute
from django.utils import timezone

from studies.enums import Kind
from studies.models import Assignment, Exclusion, Skip, Study

_STEPS = (
    (timedelta(hours=2), timedelta(minutes=1), TruncMinute),
    (timedelta(days=4), timedelta(hours=1), TruncHour),
    (timedelta.max, timedelta(days=1), TruncDay),
)
"""How finely answers are counted, by how long a study has been open."""


@dataclass(frozen=True, slots=True)
class Span:
    """Answers between two moments."""

    start: datetime
    end: datetime
    answers: int


def fill_levels(study: Study) -> list[int]:
    """Return how many judgments each comparison has, in the order of the prompts, in one query."""
    rows = (
        Assignment.objects.filter(study=study, comparison__kind=Kind.REAL)
        .values_list("comparison__prompt__position", "comparison")
        .annotate(filled=Count("id", filter=Q(submitted_at__isnull=False)))
        .order_by("comparison__prompt__position", "comparison")
    )
    return [filled for _, _, filled in rows]


def activity(study: Study, *, most: int) -> list[Span]:
    """Return the answers over time, in at most ``most`` equal spans from opening on, in one query."""
    if study.opened_at is None:
        return []
    until = study.closed_at or timezone.now()
    step, trunc = next((step, trunc) for longest, step, trunc in _STEPS if until - study.opened_at < longest)
    found = (
        Assignment.objects.filter(study=study, comparison__kind=Kind.REAL, submitted_at__isnull=False)
        .order_by()
        .annotate(at=trunc("submitted_at", tzinfo=UTC))
        .values_list("at")
        .annotate(answers=Count("id"))
    )
    start = _floor(study.opened_at, step)
    steps = (until - start) // step + 1
    wide = step * -(-steps // min(most, steps))
    edges = [start + number * wide for number in range(-(-steps * step // wide) + 1)]
    counts = [0] * (len(edges) - 1)
    for at, answers in found:
        counts[min(max((at - start) // wide, 0), len(counts) - 1)] += answers
    return [Span(*edge, number) for edge, number in zip(pairwise(edges), counts, strict=True)]


def _floor(moment: datetime, step: timedelta) -> datetime:
    """Return the beginning of the minute, hour or day, as the database truncates to it."""
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    return zero + (moment - zero) // step * step


def problems(study: Study, *, most: int) -> list[Skip]:
    """Return what annotators reported when they gave a comparison back, the latest first."""
    found = Skip.objects.filter(comparison__study=study)
    return list(found.select_related("annotator", "comparison__prompt").order_by("-id")[:most])


def left_out_annotators(study: Study) -> int:
    """Return how many annotators an exclusion stands against."""
    standing = Exclusion.objects.filter(study=study, annotator__isnull=False, revoked_at=None)
    return standing.values("annotator").distinct().count()
