"""How a study goes, as its page tells it: filling, activity, problems, arms with their cost, its papers."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Schema

from studies import queries
from studies.api.finding import caller_of, study_for
from studies.api.members import EventFilter
from studies.domain.access import abilities_of
from studies.domain.estimates import estimate
from studies.enums import Ability, Kind, Scope
from studies.models import Study
from studies.queries import audit
from studies.reports.log_file import WRITERS
from studies.reports.preregistration import preregistration

router = Router(tags=["watching"])
_SPANS, _PROBLEMS = 48, 200


class SizeOut(Schema):
    """How large the study is as planned."""

    completions: int
    comparisons: int
    identical: int
    judgments_each: int
    judgments: int
    quota: int
    annotators: int


class FillOut(Schema):
    """How many comparisons have how many judgments."""

    judgments: int
    comparisons: int


class SpanOut(Schema):
    """Answers between two moments."""

    start: datetime
    end: datetime
    answers: int


class ReportedOut(Schema):
    """What an annotator reported when they gave a comparison back."""

    comparison: int | None
    prompt: str
    annotator: str
    reason: str
    at: datetime


class ProgressOut(Schema):
    """What a study's page tells of its collection."""

    size: SizeOut
    median_ms: float | None
    left_out_annotators: int
    fill: list[FillOut]
    activity: list[SpanOut]
    problems: list[ReportedOut] | None


class ArmOut(Schema):
    """An arm, what its completions cost, and how often they are right, which is a result."""

    arm: str
    checkpoint: str
    baseline: bool
    cost: dict[str, Any] | None
    answers: dict[str, Any] | None


@router.get("/studies/{slug:slug}/progress", response=ProgressOut, operation_id="read_progress")
def read_progress(request: HttpRequest, slug: str) -> Any:
    """Tell how a study fills, when answers came, and the latest 200 problems that annotators reported.

    Problems are for those who may see pairs; null for others.
    """
    study = study_for(request, slug, Ability.SEE_PROGRESS)
    size, levels = estimate(study), Counter(queries.fill_levels(study))
    may_see = Ability.SEE_PAIRS in abilities_of(caller_of(request).user, study)
    return {
        "size": {
            "completions": size.completions,
            "comparisons": size.shown,
            "identical": size.identical,
            "judgments_each": size.overlap,
            "judgments": size.judgments,
            "quota": size.quota,
            "annotators": size.annotators,
        },
        "median_ms": queries.median_active_ms(study),
        "left_out_annotators": queries.left_out_annotators(study),
        "fill": [{"judgments": level, "comparisons": number} for level, number in sorted(levels.items())],
        "activity": [asdict(span) for span in queries.activity(study, most=_SPANS)],
        "problems": _problems(study) if may_see else None,
    }


def _problems(study: Study) -> list[dict[str, Any]]:
    """Return them; which comparisons are checks or repeats is told nowhere else either."""
    return [
        {
            "comparison": skip.comparison_id if skip.comparison.kind == Kind.REAL else None,
            "prompt": skip.comparison.prompt.name,
            "annotator": skip.annotator.pseudonym,
            "reason": skip.reason,
            "at": skip.created_at,
        }
        for skip in queries.problems(study, most=_PROBLEMS)
    ]


@router.get("/studies/{slug:slug}/arms", response=list[ArmOut], operation_id="list_arms")
def list_arms(request: HttpRequest, slug: str) -> Any:
    """List the arms with what their completions cost; once unblinded, and with `results`, how often right."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    costs = {cost.arm: asdict(cost) for cost in queries.arm_costs(study) if cost.completions}
    shown = study.unblinded and Scope.RESULTS in caller_of(request).scopes
    answers = {one.arm: asdict(one) for one in queries.arm_answers(study) if one.asked} if shown else {}
    return [
        {
            "arm": arm.name,
            "checkpoint": arm.checkpoint.name,
            "baseline": arm.baseline,
            "cost": costs.get(arm.name),
            "answers": answers.get(arm.name),
        }
        for arm in study.arms.select_related("checkpoint")
    ]


@router.get("/studies/{slug:slug}/preregistration.md", operation_id="read_preregistration")
def read_preregistration(request: HttpRequest, slug: str) -> HttpResponse:
    """Download what the plan fixes: with hash and time once it is frozen, else as it would be."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    answer = HttpResponse(preregistration(study), content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{study.slug}-preregistration.md"'
    return answer


@router.get("/studies/{slug:slug}/events.{fmt}", operation_id="read_log_file")
def read_log_file(
    request: HttpRequest, slug: str, fmt: Literal["csv", "jsonl"], query: Query[EventFilter]
) -> Any:
    """Stream a study's log as a file, the oldest entry first."""
    study = study_for(request, slug, Ability.SEE_LOG)
    found = audit.events(study, **query.dict()).order_by("id")
    write, content_type = WRITERS[fmt]
    answer = StreamingHttpResponse(write(found), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{study.slug}-log.{fmt}"'
    return answer
