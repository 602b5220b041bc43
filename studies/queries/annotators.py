"""The annotators of a study: how many judgments, how fast, how balanced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from studies.enums import Choice, Kind
from studies.models import Annotator, Exclusion, Judgment


@dataclass(slots=True)
class AnnotatorRow:
    """One line of the table."""

    annotator: Annotator
    judgments: int = 0
    """Answers given, counted on the primary criterion."""
    picked_a: int = 0
    decided: int = 0
    """Answers that were A or B."""
    times: list[int] = field(default_factory=list)
    last_seen: datetime | None = None
    exclusions: list[Exclusion] = field(default_factory=list)

    @property
    def median_ms(self) -> float | None:
        """The median active time of an answer."""
        return median(self.times) if self.times else None

    @property
    def share_a(self) -> float | None:
        """The share of A among the answers that were A or B: far from a half means position bias."""
        return self.picked_a / self.decided if self.decided else None


def annotator_rows(annotators: Sequence[Annotator]) -> list[AnnotatorRow]:
    """Return a row for each of ``annotators`` (one page of them), in two queries.

    Attention checks and repeats are left out: they tell of care, not of preference.
    """
    rows = {
        annotator.pk: AnnotatorRow(annotator, last_seen=annotator.consented_at) for annotator in annotators
    }
    answers = Judgment.objects.filter(
        assignment__annotator__in=list(rows),
        assignment__comparison__kind=Kind.REAL,
        criterion__primary=True,
    )
    for pk, choice, active_ms, at in answers.values_list(
        "assignment__annotator", "choice", "active_ms", "submitted_at"
    ):
        _count(rows[pk], choice, active_ms, at)
    standing = defaultdict(list)
    for exclusion in Exclusion.objects.filter(annotator__in=list(rows), revoked_at__isnull=True).order_by(
        "id"
    ):
        standing[exclusion.annotator_id].append(exclusion)
    for pk, row in rows.items():
        row.exclusions = standing[pk]
    return list(rows.values())


def _count(row: AnnotatorRow, choice: str, active_ms: int | None, at: datetime) -> None:
    row.judgments += 1
    row.picked_a += choice == Choice.A
    row.decided += choice in (Choice.A, Choice.B)
    if active_ms is not None:
        row.times.append(active_ms)
    if row.last_seen is None or at > row.last_seen:
        row.last_seen = at
