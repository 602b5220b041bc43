"""Reports in the dashboard's frame: the newest one, how far the next is, and what has come since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from generation.models import Worker
from studies.domain.errors import StudyError
from studies.domain.reporting import (
    WAITING,
    ask_for_report,
    changes_since,
    file_of,
    finished_reports,
    newest_report,
)
from studies.enums import Ability, ReportKind, ReportState
from studies.models import Report, Study
from studies.reports.errors import ReportError
from studies.reports.render import BODY, ensure_reportable
from studies.views.access import study_view
from studies.views.common import actor_of


@require_safe
@study_view(Ability.SEE_RESULTS)
def study_report(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the newest report of a closed study; before that, why there is none yet."""
    context: dict[str, Any] = {"study": study, "tab": "report"}
    try:
        ensure_reportable(study)
    except ReportError as error:
        return render(request, "dashboard/report.html", context | {"reason": str(error)})
    return render(request, "dashboard/report.html", context | _making(study) | _newest(study))


@require_safe
@study_view(Ability.SEE_RESULTS)
def report_progress(request: HttpRequest, study: Study) -> HttpResponse:
    """Return how far the report is; the page is loaded anew when it is there."""
    making = _making(study)
    if making["making"] is None:
        return HttpResponseClientRefresh()
    return render(request, "dashboard/parts/report_making.html", {"study": study, **making})


@require_POST
@study_view(Ability.SEE_RESULTS)
def make_report(request: HttpRequest, study: Study) -> HttpResponse:
    """Ask for a report of what there is now."""
    try:
        report = ask_for_report(study=study, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        if report.state == ReportState.DONE:
            messages.success(
                request, gettext("Nothing has come since: the newest report is of all there is.")
            )
    return redirect("studies:report", study.slug)


def _making(study: Study) -> dict[str, Any]:
    """Return the report that is on its way, or that failed, and whether somebody can make it."""
    last = newest_report(study)
    waiting = last if last and last.state in WAITING else None
    return {
        "making": waiting,
        "failed": last if last and last.state == ReportState.FAILED else None,
        "worker_seen": waiting is None or _somebody_works(waiting),
    }


def _somebody_works(report: Report) -> bool:
    """Whether the report is being made, perhaps by a command, or a worker lives that could make it."""
    since = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    beats = report.heartbeat_at is not None and report.heartbeat_at >= since
    return (report.state == ReportState.RUNNING and beats) or Worker.objects.filter(
        seen_at__gte=since
    ).exists()


def _newest(study: Study) -> dict[str, Any]:
    done = finished_reports(study, ReportKind.FINAL)
    if not done:
        return {"report": None}
    body = (file_of(done[0], BODY) or b"").decode()
    return {
        "report": done[0],
        # Our own template made it, escaping as it went; the page's policy admits no script in it.
        "body": mark_safe(body),  # noqa: S308
        "earlier": done[1:],
        "looks": finished_reports(study, ReportKind.INTERIM),
        "changes": changes_since(done[0]),
    }
