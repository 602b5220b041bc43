"""The planner: what a wished power or margin takes, what it costs, and whether this plan can answer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from studies.analysis.planning import Requirement
from studies.analysis.refusal import RefusalError
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.files.editing import SECTIONS
from studies.files.planning import Planned, fill_in, plan
from studies.forms.planner import PlannerForm
from studies.models import Study
from studies.templatetags.evenhand import count
from studies.views.access import study_view
from studies.views.common import actor_of
from studies.views.editor import locked


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def planner(request: HttpRequest, study: Study) -> HttpResponse:
    """Answer from the address's figures; on request write them into the draft."""
    if (no := locked(request, study)) is not None:
        return no
    given = request.POST if request.method == "POST" else request.GET
    form = PlannerForm(given if "wish" in given else None, initial=_known(study))
    planned: Planned | None = None
    if form.is_valid():
        try:
            planned = plan(study, form.cleaned_data)
            if request.method == "POST":
                fill_in(study, form.cleaned_data, planned, actor=actor_of(request))
                messages.success(request, gettext("The draft’s k, quota and expectations are as planned."))
                return redirect("studies:edit-section", study.slug, "analysis")
        except (RefusalError, StudyError) as error:
            form.add_error(None, str(error))
    context = {
        "study": study,
        "tab": "edit",
        "sections": SECTIONS.values(),
        "form": form,
        "planned": planned,
        "ways": [_way(found) for _, found in planned.ways] if planned else [],
    }
    return render(request, "dashboard/planner.html", context, status=422 if form.errors else 200)


def _known(study: Study) -> dict[str, Any]:
    """Return what the draft says already."""
    return {"overlap": study.overlap, **study.analysis.get("expected", {})}


def _way(found: Requirement) -> str:
    """Say what one number would have to be, or that it alone does not help."""
    known = {"number": count(found.value)}
    match found.varied, found.value:
        case "annotators", None:
            return gettext("More annotators alone do not reach it: more prompts are needed.")
        case "prompts", None:
            return gettext("More prompts alone do not reach it: more annotators are needed.")
        case _, None:
            return gettext(
                "More judgments per prompt alone do not reach it: more annotators and prompts are needed."
            )
        case "annotators", _:
            return gettext("%(number)s annotators reach it.") % known
        case "prompts", _:
            return gettext("%(number)s prompts reach it.") % known
    return gettext("%(number)s judgments per prompt reach it.") % known
