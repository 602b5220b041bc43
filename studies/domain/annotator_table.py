"""The annotators of a study as one table: found, sorted, each with what tells of their care."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q
from django.utils.translation import gettext_noop as _

from studies.domain.conduct import Conduct, agree, conduct
from studies.enums import AnnotatorStatus, Choice
from studies.models import Assignment, Exclusion, Study
from studies.queries import AnnotatorRow

READING, COUNTED, LEFT_OUT = "reading", "counted", "left-out"
STATES: dict[str, str] = {
    READING: _("Reading the consent"),
    AnnotatorStatus.ACTIVE: AnnotatorStatus.ACTIVE.label,
    AnnotatorStatus.FINISHED: AnnotatorStatus.FINISHED.label,
    AnnotatorStatus.SCREENED: AnnotatorStatus.SCREENED.label,
    COUNTED: _("Counted in the analysis"),
    LEFT_OUT: _("Left out of the analysis"),
}
"""What the table can be narrowed to."""


@dataclass(frozen=True, slots=True)
class AnnotatorLine:
    """One annotator: what they did, and how."""

    row: AnnotatorRow
    how: Conduct = field(default_factory=Conduct)

    @property
    def state(self) -> str:
        """Where they stand, as a key of `STATES`."""
        return self.row.annotator.status if self.row.annotator.consented_at else READING

    @property
    def checks_share(self) -> float | None:
        """The share of the checks met that were passed."""
        return self.how.passed / self.how.checks if self.how.checks else None


SORTS: dict[str, Callable[[AnnotatorLine], Any]] = {
    "annotator": lambda line: line.row.annotator.pseudonym,
    "status": lambda line: STATES[line.state],
    "judgments": lambda line: line.row.judgments,
    "speed": lambda line: line.row.median_ms,
    "position": lambda line: line.row.share_a,
    "agreement": lambda line: line.how.others_agreement,
    "checks": lambda line: line.checks_share,
    "reliability": lambda line: line.how.reliability.posterior_mean if line.how.checks else None,
    "repeats": lambda line: line.how.self_agreement,
    "seen": lambda line: line.row.last_seen,
    "analysis": lambda line: len(line.row.exclusions),
}
"""The columns by which the table can be sorted. A figure that is not known comes last in both directions."""


def annotator_lines(
    study: Study, *, search: str = "", state: str = "", sort: str = "annotator", personal: bool = False
) -> list[AnnotatorLine]:
    """Return the lines that are wanted, in order, in five queries for any number of annotators.

    Agreement is with all others, whoever is found. ``personal``: external ids are searched as well.
    """
    how = conduct(study)
    agree(how)
    lines = [AnnotatorLine(row, how[row.annotator.pk]) for row in _rows(study, how, search, personal)]
    return _sorted([line for line in lines if _is_in(line, state)], sort)


def _rows(study: Study, how: dict[int, Conduct], search: str, personal: bool) -> list[AnnotatorRow]:  # noqa: FBT001 - private
    found = study.annotators.filter(pk__lte=max(how, default=0))  # whoever came since has no conduct yet
    if search:
        named = Q(pseudonym__icontains=search)
        found = found.filter(named | Q(external_id__icontains=search) if personal else named)
    seen = dict(
        Assignment.objects.filter(study=study, annotator__isnull=False)
        .order_by()
        .values_list("annotator")
        .annotate(at=Max("submitted_at"))
    )
    standing: dict[int | None, list[Exclusion]] = defaultdict(list)
    current = Exclusion.objects.filter(study=study, annotator__isnull=False, revoked_at=None)
    for exclusion in current.order_by("id"):
        standing[exclusion.annotator_id].append(exclusion)
    return [
        AnnotatorRow(
            annotator,
            judgments=how[annotator.pk].answers.total(),
            picked_a=how[annotator.pk].answers[Choice.A],
            decided=how[annotator.pk].answers[Choice.A] + how[annotator.pk].answers[Choice.B],
            times=how[annotator.pk].times,
            last_seen=seen.get(annotator.pk) or annotator.consented_at,
            exclusions=standing[annotator.pk],
        )
        for annotator in found
    ]


def _is_in(line: AnnotatorLine, state: str) -> bool:
    if state in (COUNTED, LEFT_OUT):
        return bool(line.row.exclusions) == (state == LEFT_OUT)
    return state in ("", line.state)


def _sorted(lines: list[AnnotatorLine], sort: str) -> list[AnnotatorLine]:
    value = SORTS[sort.removeprefix("-")]
    told = [line for line in lines if value(line) is not None]
    untold = [line for line in lines if value(line) is None]
    return sorted(told, key=value, reverse=sort.startswith("-")) + untold
