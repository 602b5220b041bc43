"""Where a study stands, as one object that other programs rely on."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from generation import presence
from generation.models import Completion
from generation.requests import progress
from studies.enums import Kind, StudyStatus
from studies.models import Judgment, Study


def status(study: Study) -> dict[str, Any]:
    """Return where a study stands, in the form that other programs rely on."""
    completions = Completion.objects.filter(batch_key=study.key).aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(status="done")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    leased = Q(submitted_at=None, lease_expires_at__gt=timezone.now())
    slots = study.assignments.filter(comparison__kind=Kind.REAL).aggregate(
        planned=Count("pk"),
        leased=Count("pk", filter=leased),
        filled=Count("pk", filter=Q(submitted_at__isnull=False)),
    )
    facts: dict[str, Any] = (
        {"generation": generation(study)} if study.status == StudyStatus.GENERATING else {}
    )
    return {
        "status": study.status,
        "completions": completions,
        "comparisons": study.comparisons.filter(kind=Kind.REAL).count(),
        "slots": slots,
        "judgments": Judgment.objects.filter(assignment__study=study).count(),
        "annotators": study.annotators.count(),
        **facts,
    }


def generation(study: Study) -> dict[str, Any]:
    """Return how the writing goes, for as long as it does."""
    far = progress(study.key)
    return {
        "paused": far.paused,
        "waiting": far.pending,
        "in_flight": far.claimed,
        "per_minute": round(far.per_minute, 1),
        "seconds_left": None if far.seconds_left is None else round(far.seconds_left),
        "workers": sum(not worker.lost for worker in presence.workers()),
    }
