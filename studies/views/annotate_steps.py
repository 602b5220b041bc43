"""The steps between the instructions and the comparisons: practice, comprehension check."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from generation.spec import Message
from studies.domain import participation
from studies.domain.judging import last_answered
from studies.domain.participation import Comprehension
from studies.domain.unblinding import Response
from studies.enums import Slot
from studies.forms.steps import ComprehensionForm, SurveyForm, points, practised
from studies.models import Annotator, Study
from studies.views.annotate_page import is_long, turns
from studies.views.annotate_visit import Visit, visited

TRY_AGAIN = _("Not every answer was right. Read the instructions once more; you have one more attempt.")


@require_http_methods(["GET", "HEAD", "POST"])
@visited()
def practice(visit: Visit) -> HttpResponse:
    """Show a practice pair; its feedback, once a choice is named in the address.

    A choice is asked for by GET, so that the feedback survives a reload and the way back.
    """
    annotator = visit.annotator
    if annotator is None or visit.step() != "practice":
        return visit.goto("start")
    if visit.request.method == "POST":
        number = visit.request.POST.get("pair", "")
        if number == str(annotator.practised):
            participation.practise(annotator=annotator, number=annotator.practised)
            annotator.refresh_from_db()
        return visit.goto(visit.step())
    return _practice_page(visit, annotator)


def _practice_page(visit: Visit, annotator: Annotator) -> HttpResponse:
    context = practice_context(visit.study, number=annotator.practised, given=visit.request.GET)
    return visit.show("practice", **context)


def practice_context(study: Study, *, number: int, given: QueryDict) -> dict[str, Any]:
    """Return what the page of a practice pair shows, after the choice that the address names, if any."""
    pair = study.practice[number]
    # A draft may not have said yet which criterion is the primary one.
    criterion = study.criteria.order_by("-primary", "position")[0]
    same_pair = given.get("pair") == str(number)
    chosen = given.get("choice", "") if same_pair else ""
    choice = practised(criterion.scale, chosen)
    shown = turns((Message("user", pair["prompt"]),), plain=False)
    told = {"feedback": pair["feedback"], "right": choice == pair["better"]} if choice else {}
    return {
        "number": number,
        "position": number + 1,
        "total": len(study.practice),
        "turns": shown,
        "long": is_long(shown),
        "responses": (Response(Slot.A, pair["a"]), Response(Slot.B, pair["b"])),
        "markdown": study.markdown,
        "question": criterion.question,
        "points": points(criterion.scale),
        "chosen": chosen if choice else "",
        "missing": same_pair and choice is None,
        **told,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@visited()
def comprehension(visit: Visit) -> HttpResponse:
    """Ask whether the instructions were understood; there are two attempts."""
    annotator = visit.annotator
    if annotator is None or visit.step() != "comprehension":
        return visit.goto("start")
    if visit.request.method != "POST":
        return _comprehension_page(visit, annotator, None)
    form = ComprehensionForm(visit.request.POST, questions=visit.study.comprehension)
    if not form.is_valid():
        return _comprehension_page(visit, annotator, form)
    result = participation.check_comprehension(
        annotator=annotator, answers=form.answers(), attempt=form.cleaned_data["attempt"], now=visit.now
    )
    if result is Comprehension.TRY_AGAIN:
        messages.info(visit.request, TRY_AGAIN)
    annotator.refresh_from_db()
    return visit.goto(visit.step())


def _comprehension_page(visit: Visit, annotator: Annotator, form: ComprehensionForm | None) -> HttpResponse:
    form = form or ComprehensionForm(questions=visit.study.comprehension)
    return visit.show(
        "comprehension",
        status=422 if form.is_bound else 200,
        questions=form.asked(),
        attempt=annotator.attempts,
        left=participation.ATTEMPTS - annotator.attempts,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@visited()
def survey(visit: Visit) -> HttpResponse:
    """Ask what the study wants to know of its annotators; the completion code comes after."""
    annotator = visit.annotator
    if annotator is None or visit.step() != "survey":
        return visit.goto("start")
    form = SurveyForm(visit.request.POST or None, questions=visit.study.survey)
    if visit.request.method == "POST" and form.is_valid():
        participation.answer_survey(annotator=annotator, answers=form.answers(), now=visit.now)
        return visit.goto("thanks")
    last = last_answered(annotator)
    return visit.show(
        "survey",
        status=422 if form.is_bound else 200,
        questions=form.asked(),
        undo=str(last.key) if last else "",
    )


@require_safe
@visited(even_when_shut=True, codes=True)
def screened(visit: Visit) -> HttpResponse:
    """Thank somebody who cannot take part, kindly and for good."""
    if visit.step() != "screened":
        return visit.goto("start")
    return visit.show("screened", **visit.ending("screened_out"))
