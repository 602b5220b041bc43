"""What a plan fixes, as a page to print."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.enums import Ability
from studies.models import Study
from studies.reports.preregistration import preregistration
from studies.views.access import study_view


@require_safe
@study_view(Ability.SEE_DESIGN)
def page(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the pre-registration: with hash and time once the plan is frozen, else as it would be."""
    context = {"study": study, "document": preregistration(study)}
    return render(request, "dashboard/preregistration.html", context)
