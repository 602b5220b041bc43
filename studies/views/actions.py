"""Moving a study on: a page that says what will happen, then the verb."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from studies.domain.errors import StudyError
from studies.views.common import actor_of, find_study
from studies.views.moves import MOVES


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def move_study(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Ask first (GET), as a page or as the inside of a dialog; then do it (POST)."""
    study = find_study(slug)
    move = MOVES.get(name)
    if move is None:
        message = "There is no such action."
        raise Http404(message)
    if request.method != "POST":
        part = "#question" if request.headers.get("HX-Request") else ""
        possible = study.status in move.statuses
        context = {"study": study, "move": move, "possible": possible, "told": move.explained(study)}
        return render(request, f"dashboard/confirm.html{part}", context)
    try:
        move.verb(study=study, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, move.done)
    return redirect("studies:study", slug)
