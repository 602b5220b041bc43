"""How the collection goes: which comparisons are filled how far, when answers came, what was reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db import connection
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast, Substr, TruncDay, TruncHour, TruncMinute
from django.db.models.functions.datetime import TruncBase
from django.utils import timezone

from studies.enums import Kind
from studies.models import Assignment, Exclusion, Skip, Study

_STEPS: tuple[tuple[timedelta, timedelta, type[TruncBase], str], ...] = (
    (timedelta(hours=2), timedelta(minutes=1), TruncMinute, "%Y-%m-%d %H:%M"),
    (timedelta(days=4), timedelta(hours=1), TruncHour, "%Y-%m-%d %H"),
    (timedelta.max, timedelta(days=1), TruncDay, "%Y-%m-%d"),
)
"""How finely answers are counted, by how long a study has been open; how SQLite writes so much of a time."""


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
    """Return the answers over time, in at most ``most`` equal spans from opening on, in a query or two."""
    if study.opened_at is None:
        return []
    until = study.closed_at or timezone.now()
    step, trunc, form = next(
        (step, trunc, form) for longest, step, trunc, form in _STEPS if until - study.opened_at < longest
    )
    answered = Assignment.objects.filter(study=study, submitted_at__isnull=False)
    found = _counted(answered, trunc, form)
    if study.checks or study.repeats or study.written_checks:
        # Few rows are taken away, rather than every one of a million held against its comparison.
        others = study.comparisons.exclude(kind=Kind.REAL).values("pk")
        found += [
            (at, -number) for at, number in _counted(answered.filter(comparison__in=others), trunc, form)
        ]
    start = _floor(study.opened_at, step)
    steps = (until - start) // step + 1
    wide = step * -(-steps // min(most, steps))
    edges = [start + number * wide for number in range(-(-steps * step // wide) + 1)]
    counts = [0] * (len(edges) - 1)
    for at, answers in found:
        counts[min(max((at - start) // wide, 0), len(counts) - 1)] += answers
    return [Span(*edge, number) for edge, number in zip(pairwise(edges), counts, strict=True)]


def _counted(answered: QuerySet[Assignment], trunc: type[TruncBase], form: str) -> list[tuple[datetime, int]]:
    """Count answers by the minute, hour or day.

    SQLite cannot truncate a time: Django has it call Python for every row, which takes seconds for a
    million. It stores times as text in UTC, whose beginning says the same.
    """
    if connection.vendor == "sqlite":
        width = len(datetime(2000, 1, 1, tzinfo=UTC).strftime(form))
        start = Substr(Cast("submitted_at", TextField()), 1, width)
        rows = answered.order_by().annotate(start=start).values_list("start").annotate(answers=Count("id"))
        return [(datetime.strptime(at, form).replace(tzinfo=UTC), answers) for at, answers in rows]
    at = trunc("submitted_at", tzinfo=UTC)
    return list(answered.order_by().annotate(at=at).values_list("at").annotate(answers=Count("id")))


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
