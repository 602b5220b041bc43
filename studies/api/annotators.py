"""Who judged, how, and who is left out of the analysis."""

from __future__ import annotations

from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status

from studies.api.finding import caller_of, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.schemas import AnnotatorOut, ErasureIn, ExclusionIn, ExclusionOut, PersonOut, Text
from studies.domain import erasure
from studies.domain.access import allowed
from studies.domain.annotator_table import SORTS, STATES, AnnotatorLine, annotator_lines
from studies.domain.audit import record_event
from studies.domain.exclusion import exclude_annotator, revoke_exclusion
from studies.domain.quality import apply_rules
from studies.domain.reconciliation import reconcile
from studies.enums import Ability, Scope
from studies.models import Annotator, Exclusion, Study
from studies.reports.annotators import annotators_csv
from studies.reports.export import filename
from studies.reports.survey import survey_csv

router = Router(tags=["annotators"])
_LIST = {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}


class AnnotatorFilter(Schema):
    """Which annotators, and in which order."""

    search: Text = ""
    status: Literal["", *STATES] = ""  # type: ignore[valid-type]
    sort: Literal[*SORTS, *(f"-{name}" for name in SORTS)] = "annotator"  # type: ignore[valid-type]


class AnnotatorQuery(PageQuery, AnnotatorFilter):
    """Which annotators, in which order, and which page of them."""


@router.get("/studies/{slug:slug}/annotators", response=Page[AnnotatorOut], operation_id="list_annotators")
def list_annotators(
    request: HttpRequest, response: HttpResponse, slug: str, query: Query[AnnotatorQuery]
) -> Any:
    """List the annotators and how each works, in the slot frame."""
    study = study_for(request, slug, Ability.SEE_ANNOTATORS)
    lines = _lines(request, study, query)
    return paged(
        request,
        response,
        query,
        lines,
        lambda page: [_line(line) for line in page],
        pk=lambda line: line.row.annotator.pk,
    )


@router.get("/studies/{slug:slug}/annotators.csv", operation_id="read_annotators_file")
def read_annotators_file(request: HttpRequest, slug: str, query: Query[AnnotatorFilter]) -> Any:
    """Stream the same table as a file, all of it."""
    study = study_for(request, slug, Ability.SEE_ANNOTATORS)
    name = filename(study, "annotators", "csv")
    record_event(actor=caller_of(request).name, action="file.downloaded", study=study, after={"file": name})
    lines = annotators_csv(study, _lines(request, study, query))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _lines(request: HttpRequest, study: Study, query: AnnotatorFilter) -> list[AnnotatorLine]:
    """Return the lines that are wanted; external ids are searched by those who may see them."""
    caller = caller_of(request)
    personal = allowed(caller.user, study, Ability.SEE_PERSONAL) and Scope.PERSONAL in caller.scopes
    return annotator_lines(study, search=query.search, state=query.status, sort=query.sort, personal=personal)


def _line(line: AnnotatorLine) -> dict[str, Any]:
    row, how = line.row, line.how
    return {
        "annotator": row.annotator.pk,
        "pseudonym": row.annotator.pseudonym,
        "status": row.annotator.status,
        "simulated": row.annotator.simulated,
        "judgments": row.judgments,
        "median_ms": row.median_ms,
        "share_a": row.share_a,
        "checks": how.checks,
        "checks_passed": how.passed,
        "reliability": how.reliability.posterior_mean if how.checks else None,
        "repeats": how.repeats,
        "repeats_alike": how.alike,
        "agreement": how.others_agreement,
        "last_seen": row.last_seen,
        "exclusions": [_exclusion(one, row.annotator.pseudonym) for one in row.exclusions],
    }


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
