"""Looks at a study before it ends, where its plan has some: the rule's answer, and nothing else.

Who takes a look learns whether collection may stop. The figures stay unread, so that the study stays
blinded; every look is in the audit log, and the report prints all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from studies.analysis.as_json import analysis_as_dict
from studies.analysis.judgments_file import parse_judgments
from studies.analysis.looks import LookPlan, Looks
from studies.analysis.plan import GROUP_SEQUENTIAL, NO_LOOKS, AnalysisPlan, Interim, plan_from
from studies.analysis.records import Judgments
from studies.analysis.settings import CLUSTER, Settings
from studies.analysis.summary import Analysis, analyze
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.reporting import Made, keep_interim
from studies.domain.versions import versions
from studies.enums import Kind, StudyStatus
from studies.models import Assignment, AuditEvent, Judgment, Study
from studies.queries.audit import logged
from studies.reports.export import iso, judgments_bytes

ACTION = "look.taken"
DATA, LOOK = "judgments", "look"
"""Files of an interim report: the judgments file as it was, and what the log was told."""


@dataclass(frozen=True, slots=True)
class LookTaken:
    """One look, as the log has it."""

    number: int
    at: str
    judgments: int
    """Analysed judgments of all criteria until then."""
    data_sha256: str
    """Of the judgments file at that time."""
    stop: bool
    """Whether the rule allowed to stop."""


@dataclass(frozen=True, slots=True)
class PlannedLook:
    """One look that the plan has."""

    number: int
    at: int
    """Judgments of the headline's pair, if the looks are spread evenly."""
    taken: bool
    due: bool
    last: bool
    """The last one is the report of the closed study."""


def looks_taken(study: Study) -> tuple[LookTaken, ...]:
    """Return every look that the log has, in order."""
    return tuple(_told(event) for event in _events(study))


def planned_looks(study: Study) -> tuple[PlannedLook, ...]:
    """Return the looks of a group-sequential plan, spread evenly; none of any other plan.

    The rule holds wherever the looks fall: even steps are where they are due, not where they must be.
    """
    interim = plan_from(study.analysis).interim
    if interim.method != GROUP_SEQUENTIAL or interim.looks is None:
        return ()
    planned, taken = _planned(study), len(_events(study))
    there = _headline_rows(study).filter(submitted_at__isnull=False).count()
    ends = [-(-planned * number // interim.looks) for number in range(1, interim.looks + 1)]
    return tuple(
        PlannedLook(
            number,
            end,
            taken=number <= taken,
            due=number == taken + 1 < interim.looks and 0 < end <= there,
            last=number == interim.looks,
        )
        for number, end in enumerate(ends, start=1)
    )


def look_plan(study: Study, interim: Interim, *, final: bool = True) -> LookPlan | None:
    """Return the looks that were planned and taken; None where the plan has none."""
    if interim.method == NO_LOOKS:
        return None
    moments = tuple(event.at.timestamp() for event in _events(study))
    return LookPlan(interim, moments, _planned(study), final)


def settings_of(study: Study, judgments: Judgments, *, final: bool = True, **changes: Any) -> Settings:
    """Return how the plan says that the judgments are analysed."""
    plan = plan_from(study.analysis)
    primary = study.criteria.get(primary=True).name
    return Settings(
        alpha=plan.alpha,
        margin=plan.margin,
        multiplicity=plan.multiplicity,
        subgroups=plan.subgroups,
        looks=look_plan(study, plan.interim, final=final),
        ties=study.tie_rule,
        criterion=primary if primary in judgments.criteria else None,
        seed=study.seed,
        controls=tuple(study.arms.filter(control=True).values_list("name", flat=True)),
        scales={arm.name: arm.decoding.guidance_scale for arm in study.arms.select_related("checkpoint")},
        **changes,
    )


def take_look(*, study: Study, actor: str) -> LookTaken:
    """Hold the judgments so far against the plan's rule, and log that it was done.

    Raises
    ------
    StudyError
        The plan has no looks, or none left; the study is not collecting, or has no judgment.
    """
    plan = plan_from(study.analysis)
    _refuse(study, plan)
    data = judgments_bytes(study)
    if data.count(b"\n") < 2:  # noqa: PLR2004 - a header and a row
        raise StudyError(f"“{study.slug}” has no judgments yet, so there is nothing to look at.")
    number = len(_events(study)) + 1
    analysis = analysis_at(study, data, number)
    if not isinstance(analysis.looks, Looks):
        reason = analysis.looks.reason if analysis.looks else "the plan has none"
        raise StudyError(f"“{study.slug}” cannot be looked at: {reason}")
    with transaction.atomic():
        told = {
            "look": number,
            "judgments": analysis.analysed,
            "data_sha256": sha256(data).hexdigest(),
            "stop": crossed(analysis.looks),
        }
        event = record_event(actor=actor, action=ACTION, study=study, after=told)
        keep_interim(study=study, actor=actor, made=_made(study, data, analysis, told))
    return _told(event)


def analysis_at(study: Study, data: bytes, number: int) -> Analysis:
    """Return the analysis that look ``number`` makes of the judgments file as it was then."""
    judgments = parse_judgments(data)
    settings = settings_of(study, judgments, final=False, model=CLUSTER, draws=0)
    before = settings.looks and replace(settings.looks, moments=settings.looks.moments[: number - 1])
    return analyze(judgments, replace(settings, looks=before))


def numbers_of(study: Study, analysis: Analysis, told: Mapping[str, Any]) -> bytes:
    """Return what is stored of a look: the log's words, and every number of the analysis."""
    content = {"study": study.slug, "simulated": study.simulated, **told, **analysis_as_dict(analysis)}
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _made(study: Study, data: bytes, analysis: Analysis, told: dict[str, Any]) -> Made:
    return Made(
        files={
            "json": numbers_of(study, analysis, told),
            DATA: data,
            LOOK: json.dumps(told).encode(),
        },
        judgments=Judgment.objects.filter(assignment__study=study).count(),
        judgments_hash=told["data_sha256"],
        versions=versions(),
    )


def crossed(found: Looks) -> bool:
    """Return whether the rule's boundary was crossed at any look."""
    if found.monitoring is not None:
        return found.monitoring.stopped_at is not None
    return found.sequence is not None and found.sequence.rejected_at is not None


def _refuse(study: Study, plan: AnalysisPlan) -> None:
    if study.status not in (StudyStatus.OPEN, StudyStatus.PAUSED):
        raise StudyError(
            f"“{study.slug}” is {study.get_status_display().lower()}; looks are taken while it is open or "
            "paused, and the report shows the rest."
        )
    if plan.interim.method == NO_LOOKS:
        raise StudyError(f"The plan of “{study.slug}” allows no look before it is closed.")
    taken = len(_events(study))
    most = plan.interim.looks
    if plan.interim.method == GROUP_SEQUENTIAL and most is not None and taken >= most - 1:
        raise StudyError(
            f"The plan of “{study.slug}” allows {most} looks; {taken} were taken and the last one is the "
            "report, when it is closed."
        )


def _events(study: Study) -> list[AuditEvent]:
    return logged(study, ACTION)


def _told(event: AuditEvent) -> LookTaken:
    after: dict[str, Any] = event.after or {}
    return LookTaken(
        after["look"], iso(event.at), after["judgments"], after["data_sha256"], bool(after["stop"])
    )


def _planned(study: Study) -> int:
    """Return how many judgments of the primary criterion the plan asks for, of the headline's pair."""
    planned = _headline_rows(study).filter(comparison__prompt__addition=0)
    return planned.filter(ordinal__lte=study.overlap).count()  # an extension was not planned


def _headline_rows(study: Study) -> QuerySet[Assignment]:
    candidate = study.arms.filter(baseline=False, control=False).first()
    rows = study.assignments.filter(comparison__kind=Kind.REAL, comparison__baseline_arm__baseline=True)
    return rows.filter(comparison__candidate_arm=candidate) if candidate else rows
