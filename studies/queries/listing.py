"""The list of studies, with what each has reached."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from studies.models import Study
from studies.queries.counts import CompletionCounts, SlotCounts, completion_counts, slot_counts


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One line of the list."""

    study: Study
    completions: CompletionCounts
    slots: SlotCounts


def study_rows(shown: QuerySet[Study]) -> list[StudyRow]:
    """Return the studies, the newest first, with its counts: four queries however many there are."""
    studies = list(shown.defer("plan", "instructions", "consent").order_by("-created_at", "-id"))
    slots = slot_counts(studies)
    completions = completion_counts(studies)
    return [StudyRow(study, completions[study.key], slots[study.pk]) for study in studies]
