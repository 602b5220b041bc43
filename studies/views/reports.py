"""The report in the dashboard's frame."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.reports.errors import ReportError
from studies.reports.render import report_context
from studies.views.common import find_study


@require_safe
@login_required
def study_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the report of a closed study; before that, why there is none yet."""
    study = find_study(slug)
    context: dict[str, Any] = {"study": study, "tab": "report"}
    try:
        context |= report_context(study)
    except ReportError as error:
        context["reason"] = str(error)
    return render(request, "dashboard/report.html", context)
