"""Moving a study on: a page that says what will happen, then the verb."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.models import Study
from studies.views.access import require, study_view
from studies.views.common import actor_of
from studies.views.moves import MOVES


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_PROGRESS)
def move_study(request: HttpRequest, study: Study, name: str) -> HttpResponse:
    """Ask first (GET), as a page or as the inside of a dialog; then do it (POST)."""
    move = MOVES.get(name)
    if move is None:
        message = gettext("There is no such action.")
        raise Http404(message)
    require(request, study, move.ability)
    if request.method != "POST":
        part = "#question" if request.headers.get("HX-Request") else ""
        possible = study.status in move.statuses
        context = {"study": study, "move": move, "possible": possible, "told": move.explained(study)}
        return render(request, f"dashboard/confirm.html{part}", context)
    try:
        told = move.told(request.POST.get("answer", ""))
        move.verb(study=study, actor=actor_of(request), **told)
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext(move.done))
    return redirect("studies:study", study.slug)
