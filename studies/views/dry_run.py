"""The annotator's pages of a study that is not open yet, from consent to survey; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from generation.models import Completion
from studies.domain.assignment import Progress
from studies.domain.own_rows import most_own_rows
from studies.domain.unblinding import Response
from studies.enums import Ability, Slot, TextFormat
from studies.forms.annotate import ConsentForm
from studies.forms.steps import ComprehensionForm, SurveyForm
from studies.models import Prompt, Study, new_key
from studies.views.access import study_view
from studies.views.annotate_page import is_long, turns
from studies.views.annotate_parts import parts
from studies.views.common import refuse
from studies.views.differences import panes

_INVITE = "dry-run"
"""Stands in the place of the link, so that no page of a dry run leads to the study's own."""
_PLACEHOLDERS = (
    "This stands where the first response will be, once there is one.\n\nIt has a second paragraph.",
    "This stands where the second response will be. It is a little longer than the first one, as responses "
    "often are, so that you see how two texts of different lengths look beside each other.",
)
_LAST = "end"


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.TRY_OUT)
def dry_run(request: HttpRequest, study: Study, step: str) -> HttpResponse:
    """Show a step as annotators will see it; whatever is sent leads to the next one."""
    if study.frozen:
        reason = "The study takes real answers now, or has taken them: look at it through its link."
        return refuse(request, study, title="No dry run any more", reason=reason)
    number = int(request.GET.get("prompt", "1")) if request.GET.get("prompt", "1").isdigit() else 1
    if step == _LAST or request.method == "POST":
        return _onward(request, study, step, number)
    made = _CONTEXTS.get(step)
    if made is None:
        message = f"A dry run has no step {step}."
        raise Http404(message)
    context = {"title": study.title, "invite": _INVITE, "simulated": False, **made(study, number)}
    page = render(request, f"annotate/{step}.html", context)
    page.content = _here(page.content.decode(), study, number).encode()
    page["Cache-Control"] = "no-store, private"
    return page


def _here(page: str, study: Study, number: int) -> str:
    """Lead the page's own addresses to the dry run; the comparison remembers which one it is."""
    start = reverse("studies:annotate-start", args=[_INVITE])
    own = reverse("studies:try", args=[study.slug, "compare"])
    return page.replace(start, own.removesuffix("compare/")).replace(f'"{own}"', f'"{own}?prompt={number}"')


def _onward(request: HttpRequest, study: Study, step: str, number: int) -> HttpResponse:
    following, number = _following(study, step, number)
    if following == _LAST:
        messages.success(request, "That was the last step. Nothing of it was stored.")
        return redirect("studies:study", study.slug)
    target = f"{reverse('studies:try', args=[study.slug, following])}?prompt={number}"
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"saved": True, "next": target})
    return redirect(target)


def _following(study: Study, step: str, number: int) -> tuple[str, int]:
    """Return the step after ``step``: as many comparisons as a quota holds, then the survey."""
    if step == "compare" and number < min(study.quota, study.prompts.count()):
        return "compare", number + 1
    if step in ("undo", "skip"):
        return "compare", number
    steps = ["consent", "instructions", *(["comprehension"] if study.comprehension else []), "compare"]
    steps += ["survey"] if study.survey else []
    place = steps.index(step) if step in steps else len(steps)
    return (steps[place + 1], 1) if place + 1 < len(steps) else (_LAST, 1)


def _consent(study: Study, _: int) -> dict[str, Any]:
    quota = study.quota + most_own_rows(study)
    return {"form": ConsentForm(), "text": study.consent, "minutes": study.minutes, "quota": quota}


def _instructions(study: Study, _: int) -> dict[str, Any]:
    return {"prepared": bool(study.comprehension), "text": study.instructions, "back": ""}


def _comprehension(study: Study, _: int) -> dict[str, Any]:
    return {"questions": ComprehensionForm(questions=study.comprehension).asked(), "attempt": 0, "left": 2}


def _survey(study: Study, _: int) -> dict[str, Any]:
    return {"questions": SurveyForm(questions=study.survey).asked(), "undo": ""}


def _compare(study: Study, number: int) -> dict[str, Any]:
    prompts = list(study.prompts.all()[: study.quota])
    number = min(max(number, 1), len(prompts))
    prompt = prompts[number - 1]
    shown = turns(prompt.turns, plain=bool(prompt.text))
    texts = _texts(study, prompt)
    pair = [Response(slot, text) for slot, text in zip((Slot.A, Slot.B), texts, strict=True)]
    return {
        "progress": Progress(done=number - 1, total=len(prompts), last_key=""),
        "assignment": str(new_key()),
        "key": str(new_key()),
        "responses": panes(pair, marked=study.differences),
        "markdown": study.text_format == TextFormat.MARKDOWN,
        "differences": study.differences,
        "turns": shown,
        "long": is_long(shown),
        "parts": parts(study, None, None),
        "error": "",
        "min_exposure_ms": study.min_exposure_ms,
        "undo": "",
    }


def _texts(study: Study, prompt: Prompt) -> list[str]:
    """Return two completions of the prompt, in an order that tells no arm, or texts in their place."""
    found = Completion.objects.filter(
        batch_key=study.key, prompt_key=prompt.key, replicate=0, status=Completion.Status.DONE
    )
    written = list(found.order_by("arm_key").values_list("text", flat=True)[:2])
    return [*written, *_PLACEHOLDERS[len(written) :]]


_CONTEXTS: dict[str, Callable[[Study, int], dict[str, Any]]] = {
    "consent": _consent,
    "instructions": _instructions,
    "comprehension": _comprehension,
    "compare": _compare,
    "survey": _survey,
}
