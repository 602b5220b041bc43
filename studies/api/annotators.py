"""Who judged, how, and who is left out of the analysis."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from studies import queries
from studies.api.finding import caller_of, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.schemas import AnnotatorOut, ErasureIn, ExclusionIn, ExclusionOut, PersonOut
from studies.domain import erasure
from studies.domain.audit import record_event
from studies.domain.conduct import conduct
from studies.domain.exclusion import exclude_annotator, revoke_exclusion
from studies.domain.quality import apply_rules
from studies.domain.reconciliation import reconcile
from studies.enums import Ability
from studies.models import Annotator, Exclusion, Study
from studies.reports.survey import survey_csv

router = Router(tags=["annotators"])
_LIST = {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}


@router.get("/studies/{slug:slug}/annotators", response=Page[AnnotatorOut], operation_id="list_annotators")
def list_annotators(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the annotators and how each works, in the slot frame."""
    study = study_for(request, slug, Ability.SEE_ANNOTATORS)
    rows = study.annotators.order_by("pk")
    return paged(request, response, query, rows, lambda page: _annotators(study, page))


def _annotators(study: Study, page: list[Annotator]) -> list[dict[str, Any]]:
    how = conduct(study, annotators=page)
    return [
        {
            "annotator": row.annotator.pk,
            "pseudonym": row.annotator.pseudonym,
            "status": row.annotator.status,
            "simulated": row.annotator.simulated,
            "judgments": row.judgments,
            "median_ms": row.median_ms,
            "share_a": row.share_a,
            "checks": how[row.annotator.pk].checks,
            "checks_passed": how[row.annotator.pk].passed,
            "last_seen": row.last_seen,
            "exclusions": [_exclusion(one, row.annotator.pseudonym) for one in row.exclusions],
        }
        for row in queries.annotator_rows(page)
    ]


@router.get("/studies/{slug:slug}/exclusions", response=Page[ExclusionOut], operation_id="list_exclusions")
def list_exclusions(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List who is or was left out of the analysis, and why."""
    study = study_for(request, slug, Ability.SEE_ANNOTATORS)
    rows = study.exclusions.filter(annotator__isnull=False).select_related("annotator").order_by("pk")
    return paged(request, response, query, rows, lambda page: [_named(one) for one in page])


@router.post(
    "/studies/{slug:slug}/annotators/{int:annotator}/exclusions",
    response={201: ExclusionOut},
    operation_id="exclude_annotator",
)
def exclude(request: HttpRequest, slug: str, annotator: int, given: ExclusionIn) -> Any:
    """Leave an annotator out of the analysis, by a named rule and with a reason. Nothing is deleted."""
    study = study_for(request, slug, Ability.EXCLUDE)
    found = get_object_or_404(Annotator, study=study, pk=annotator)
    made = exclude_annotator(
        annotator=found, rule=given.rule, reason=given.reason, actor=caller_of(request).name
    )
    return Status(201, _named(made))


@router.delete(
    "/studies/{slug:slug}/exclusions/{int:exclusion}",
    response=ExclusionOut,
    operation_id="lift_exclusion",
)
def lift(request: HttpRequest, slug: str, exclusion: int) -> Any:
    """Count somebody's judgments again; the exclusion stays in the list, with the time it ended."""
    study = study_for(request, slug, Ability.EXCLUDE)
    found = get_object_or_404(Exclusion, study=study, pk=exclusion)
    return _named(revoke_exclusion(exclusion=found, actor=caller_of(request).name))


@router.post("/studies/{slug:slug}/quality", response=list[ExclusionOut], operation_id="apply_quality_rules")
def apply_quality(request: HttpRequest, slug: str) -> Any:
    """Exclude annotators by the rules that the plan fixed; return the new exclusions. Harmless to repeat."""
    study = study_for(request, slug, Ability.EXCLUDE)
    return [_named(one) for one in apply_rules(study=study, actor=caller_of(request).name)]


@router.post(
    "/studies/{slug:slug}/reconciliation",
    response=list[PersonOut],
    operation_id="reconcile",
    openapi_extra={"requestBody": _LIST},
)
def reconcile_list(request: HttpRequest, slug: str) -> Any:
    """Compare a recruiting site's CSV with who came and finished. Nothing of it is stored."""
    study = study_for(request, slug, Ability.SEE_PERSONAL)
    return [
        {
            "external_id": person.external_id,
            "pseudonym": person.pseudonym,
            "status": person.status,
            "answered": person.answered,
            "verdict": person.verdict.value,
        }
        for person in reconcile(study, request.body)
    ]


@router.post(
    "/studies/{slug:slug}/annotators/{int:annotator}/erasure",
    response={204: None},
    operation_id="erase_annotator",
)
def erase(request: HttpRequest, slug: str, annotator: int, given: ErasureIn) -> Any:
    """Erase for good what an annotator said of themselves; the pseudonymous judgments stay."""
    study = study_for(request, slug, Ability.ERASE)
    found = get_object_or_404(Annotator.objects.select_related("study"), study=study, pk=annotator)
    erasure.typed(found, given.pseudonym)
    erasure.erase_annotator(annotator=found, actor=caller_of(request).name, reasons=given.reasons)
    return Status(204, None)


@router.get("/studies/{slug:slug}/survey.csv", operation_id="read_survey")
def read_survey(request: HttpRequest, slug: str) -> HttpResponse:
    """Download the survey's answers; they tell nothing of arms, so at any time."""
    study = study_for(request, slug, Ability.SEE_PERSONAL)
    if not study.survey:
        message = "This study asks no survey."
        raise Http404(message)
    record_event(
        actor=caller_of(request).name, action="file.downloaded", study=study, after={"file": "survey.csv"}
    )
    return HttpResponse(survey_csv(study), content_type="text/csv; charset=utf-8")


def _named(one: Exclusion) -> dict[str, Any]:
    return _exclusion(one, one.annotator.pseudonym if one.annotator else "")


def _exclusion(one: Exclusion, pseudonym: str) -> dict[str, Any]:
    return {
        "exclusion": one.pk,
        "annotator": pseudonym,
        "rule": one.rule,
        "reason": one.reason,
        "created_at": one.created_at,
        "revoked_at": one.revoked_at,
    }
