"""The log: of a study, and of the whole site."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from studies.enums import Ability
from studies.forms.members import LogForm
from studies.models import AuditEvent, Study
from studies.queries import audit
from studies.reports.log_file import WRITERS
from studies.templatetags.evenhand import event as in_words
from studies.views.access import administrators_only, study_view
from studies.views.common import page_of

_PER_PAGE = 50


@require_safe
@study_view(Ability.SEE_LOG)
def study_log(request: HttpRequest, study: Study) -> HttpResponse:
    """Show a study's log."""
    return _page(request, study)


@require_safe
@study_view(Ability.SEE_LOG)
def study_log_file(request: HttpRequest, study: Study, fmt: str) -> HttpResponseBase:
    """Send a study's log."""
    return _file(request, study, fmt)


@require_safe
@administrators_only
def site_log(request: HttpRequest) -> HttpResponse:
    """Show the log of the whole site."""
    return _page(request, None)


@require_safe
@administrators_only
def site_log_file(request: HttpRequest, fmt: str) -> HttpResponseBase:
    """Send the log of the whole site."""
    return _file(request, None, fmt)


def _form(request: HttpRequest, study: Study | None) -> LogForm:
    return LogForm(request.GET, actions=[(name, in_words(name)) for name in audit.actions(study)])


def _page(request: HttpRequest, study: Study | None) -> HttpResponse:
    form = _form(request, study)
    found = audit.events(study, **form.cleaned_data) if form.is_valid() else AuditEvent.objects.none()
    page = page_of(found, request, _PER_PAGE)
    rows = [(event, audit.withheld(event)) for event in page]
    context = {"study": study, "tab": "log", "form": form, "page": page, "rows": rows}
    if study is None:
        context["section"] = "log"
    template = "dashboard/log.html" if study else "dashboard/site_log.html"
    return render(request, template, context, status=200 if form.is_valid() else 422)


def _file(request: HttpRequest, study: Study | None, fmt: str) -> HttpResponseBase:
    form = _form(request, study)
    if fmt not in WRITERS or not form.is_valid():
        message = gettext("There is no such log: the formats are csv and jsonl, days are written YYYY-MM-DD.")
        raise Http404(message)
    found = audit.events(study, **form.cleaned_data).order_by("id")
    write, content_type = WRITERS[fmt]
    response = StreamingHttpResponse(write(found), content_type=content_type)
    name = f"{study.slug}-log" if study else "log"
    response["Content-Disposition"] = f'attachment; filename="{name}.{fmt}"'
    return response
