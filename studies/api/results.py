"""What came out of a closed study: its judgments, and its reports."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from studies.api.finding import caller_of, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.schemas import ReportOut
from studies.domain.audit import record_event
from studies.domain.reporting import ask_for_report, file_of
from studies.enums import Ability, ReportState
from studies.models import Report, Study
from studies.reports.errors import ReportError
from studies.reports.export import filename, judgment_lines
from studies.reports.render import FORMATS, ensure_reportable, face_filename

router = Router(tags=["results"])
_REPORTS = "/studies/{slug:slug}/reports"


@router.get("/studies/{slug:slug}/judgments.csv", operation_id="read_judgments")
def read_judgments(request: HttpRequest, slug: str) -> Any:
    """Stream the judgments file of a closed study, or of one that was unblinded early."""
    study = study_for(request, slug, Ability.EXPORT)
    if not study.unblinded:
        raise ReportError("The file says which arm wrote what, so it can be had once the study is closed.")
    _note(request, study, "judgments.csv")
    answer = StreamingHttpResponse(judgment_lines(study), content_type=FORMATS["csv"].content_type)
    answer["Content-Disposition"] = f'attachment; filename="{filename(study, "judgments", "csv")}"'
    return answer


@router.get(_REPORTS, response=Page[ReportOut], operation_id="list_reports")
def list_reports(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the reports of a closed study, the newest first, those in the making included."""
    study = _closed(request, slug, Ability.SEE_RESULTS)
    rows = study.reports.order_by("-number")
    return paged(request, response, query, rows, lambda page: [_report(one) for one in page])


@router.post(_REPORTS, response={200: ReportOut, 202: ReportOut}, operation_id="ask_for_report")
def ask(request: HttpRequest, response: HttpResponse, slug: str) -> Any:
    """Ask for a report of all there is (202: a worker makes it; 200: the newest one is of all there is)."""
    study = _closed(request, slug, Ability.SEE_RESULTS)
    report = ask_for_report(study=study, actor=caller_of(request).name)
    response["Location"] = f"/api/v1/studies/{study.slug}/reports/{report.number}"
    return Status(200 if report.state == ReportState.DONE else 202, _report(report))


@router.get(f"{_REPORTS}/{{int:number}}", response=ReportOut, operation_id="read_report")
def read_report(request: HttpRequest, slug: str, number: int) -> Any:
    """Say how far a report is, what it rests on, and which files it has."""
    study = _closed(request, slug, Ability.SEE_RESULTS)
    return _report(get_object_or_404(Report, study=study, number=number))


@router.get(f"{_REPORTS}/{{int:number}}/report.{{slug:fmt}}", operation_id="read_report_file")
def read_file(request: HttpRequest, slug: str, number: int, fmt: str) -> HttpResponse:
    """Download a report in one of its formats."""
    study = _closed(request, slug, Ability.EXPORT)
    report = get_object_or_404(Report, study=study, number=number, state=ReportState.DONE)
    body = file_of(report, fmt) if fmt in FORMATS else None
    if body is None:
        raise Http404(f"Report {number} has no {fmt}. Formats: {', '.join(FORMATS)}.")
    name = face_filename(study, fmt, number=number)
    _note(request, study, name)
    answer = HttpResponse(body, content_type=FORMATS[fmt].content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _closed(request: HttpRequest, slug: str, ability: Ability) -> Study:
    study = study_for(request, slug, ability)
    ensure_reportable(study)
    return study


def _note(request: HttpRequest, study: Study, name: str) -> None:
    """Keep in the log who took what out."""
    record_event(actor=caller_of(request).name, action="file.downloaded", study=study, after={"file": name})


def _report(report: Report) -> dict[str, Any]:
    done = report.state == ReportState.DONE
    names = set(report.files.values_list("name", flat=True)) if done else set()
    here = f"/api/v1/studies/{report.study.slug}/reports/{report.number}"
    return {
        "number": report.number,
        "kind": report.kind,
        "state": report.state,
        "progress": report.progress,
        "stage": report.stage,
        "error": report.error,
        "asked_by": report.asked_by,
        "asked_at": report.asked_at,
        "made_at": report.made_at,
        "judgments": report.judgments,
        "judgments_hash": report.judgments_hash,
        "plan_hash": report.plan_hash,
        "versions": report.versions,
        "files": {fmt: f"{here}/report.{fmt}" for fmt in FORMATS if fmt in names},
    }
