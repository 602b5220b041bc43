"""Files out of a study."""

from __future__ import annotations

from typing import TypeVar

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from studies.domain.reporting import file_of, finished_reports
from studies.enums import Ability, ReportKind
from studies.files.writer import export_study
from studies.models import Study
from studies.reports.errors import ReportError
from studies.reports.export import filename, judgment_lines
from studies.reports.render import FORMATS, ensure_reportable, face_filename
from studies.reports.survey import survey_csv
from studies.views.access import study_view
from studies.views.common import note_download, refuse

Response = TypeVar("Response", bound=HttpResponseBase)


@require_safe
@study_view(Ability.SEE_DESIGN)
def study_file(_request: HttpRequest, study: Study) -> HttpResponse:
    """Send the study file."""
    return _attached(HttpResponse(export_study(study), content_type="application/yaml"), f"{study.slug}.yaml")


@require_safe
@study_view(Ability.EXPORT)
def judgments(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Stream the judgments: they name arms, so only of a closed study."""
    if not study.unblinded:
        return refuse(
            request,
            study,
            title=gettext("No judgments file yet"),
            reason=gettext(
                "The file says which arm wrote what, so it can be had once the study is closed. "
                "Until then everybody is blinded, you included."
            ),
        )
    note_download(request, study, "judgments.csv")
    response = StreamingHttpResponse(judgment_lines(study), content_type=FORMATS["csv"].content_type)
    return _attached(response, filename(study, "judgments", "csv"))


@require_safe
@study_view(Ability.SEE_PERSONAL)
def survey(request: HttpRequest, study: Study) -> HttpResponse:
    """Send the survey's answers; they tell nothing of arms, so at any time."""
    if not study.survey:
        message = gettext("This study asks no survey.")
        raise Http404(message)
    note_download(request, study, "survey.csv")
    response = HttpResponse(survey_csv(study), content_type=FORMATS["csv"].content_type)
    return _attached(response, filename(study, "survey", "csv"))


@require_safe
@study_view(Ability.EXPORT)
def report(request: HttpRequest, study: Study, fmt: str, number: int | None = None) -> HttpResponse:
    """Send a stored report in one of its formats: the newest one, or the one with this number."""
    if fmt not in FORMATS:
        message = gettext("There is no report in the format %(fmt)s.") % {"fmt": fmt}
        raise Http404(message)
    try:
        ensure_reportable(study)
    except ReportError as error:
        return refuse(request, study, title=gettext("No report yet"), reason=str(error))
    kinds = (ReportKind.FINAL,) if number is None else ()
    found = next((made for made in finished_reports(study, *kinds) if number in (None, made.number)), None)
    body = file_of(found, fmt) if found else None
    if found is None or body is None:
        reason = gettext("It is made by a worker; the report’s page says how far it is.")
        return refuse(request, study, title=gettext("No such report yet"), reason=reason)
    name = face_filename(study, fmt, number=found.number)
    note_download(request, study, name)
    return _attached(HttpResponse(body, content_type=FORMATS[fmt].content_type), name)


def _attached(response: Response, name: str) -> Response:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
