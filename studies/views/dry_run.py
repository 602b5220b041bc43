"""The annotator's pages of a study that is not open yet, from consent to the code; nothing is stored."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studies.enums import Ability
from studies.models import Study
from studies.views.access import study_view
from studies.views.common import refuse
from studies.views.dry_run_steps import PAGES, Onward, Page, Walk, steps, taken

_INVITE = "dry-run"
"""Stands in the place of the link, so that no page of a dry run leads to the study's own."""
_LINKED = ("compare", "undo", "skip", "resume", "instructions", "practice", "comprehension", "survey")


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.TRY_OUT)
def dry_run(request: HttpRequest, study: Study, step: str) -> HttpResponse:
    """Show a step as annotators will see it; what is sent is checked as theirs, and leads on."""
    if study.frozen:
        reason = _("The study takes real answers now, or has taken them: look at it through its link.")
        return refuse(request, study, title=_("No dry run any more"), reason=reason)
    # In the browser's language, as annotators see it.
    with translation.override(translation.get_language_from_request(request)):
        walk = Walk(request, study, step)
        answer = taken(walk) if request.method == "POST" else _page(walk)
        return _shown(walk, answer) if isinstance(answer, Page) else _led(walk, answer)


def _page(walk: Walk) -> Page | Onward:
    make = PAGES.get(walk.step)
    if make is None:
        message = _("A dry run has no step %(step)s.") % {"step": walk.step}
        raise Http404(message)
    return make(walk)


def _shown(walk: Walk, answer: Page) -> HttpResponse:
    if answer.wrong and _wants_json(walk.request):
        return JsonResponse({"error": answer.wrong, "field": answer.field}, status=422)
    study = walk.study
    context = {
        "title": study.title,
        "invite": _INVITE,
        "simulated": False,
        "dry_run": [(_address(study, name, {}), label, name == answer.name) for name, label in steps(study)],
        "leave": reverse("studies:study", args=[study.slug]),
        **answer.context,
    }
    page = render(walk.request, f"annotate/{answer.name}.html", context, status=422 if answer.wrong else 200)
    page.content = _here(page.content.decode(), walk).encode()
    page["Cache-Control"] = "no-store, private"
    return page


def _led(walk: Walk, answer: Onward) -> HttpResponse:
    target = _address(walk.study, answer.step, answer.state)
    if _wants_json(walk.request):
        return JsonResponse({"saved": True, "next": target})
    return redirect(target)


def _here(page: str, walk: Walk) -> str:
    """Lead the page's own addresses to the dry run; each remembers where the walk stands."""
    start = reverse("studies:annotate-start", args=[_INVITE])
    state = walk.state | {"back": walk.step}
    for name in _LINKED:
        page = page.replace(f'"{start}{name}/"', f'"{escape(_address(walk.study, name, state))}"')
    return page.replace(f'"{start}"', f'"{_address(walk.study, "consent", {})}"')


def _address(study: Study, step: str, state: dict[str, Any]) -> str:
    query = urlencode({name: value for name, value in state.items() if value})
    address = reverse("studies:try", args=[study.slug, step])
    return f"{address}?{query}" if query else address


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
