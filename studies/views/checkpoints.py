"""The page of checkpoints."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies import queries
from studies.domain.access import visible_studies
from studies.views.access import signed_in


@require_safe
@signed_in
def checkpoint_list(request: HttpRequest) -> HttpResponse:
    """Show what is there to write completions with, as far as the visitor's studies go."""
    rows = queries.checkpoint_rows(visible_studies(request.user))
    return render(request, "dashboard/checkpoints.html", {"rows": rows})
