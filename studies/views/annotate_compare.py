"""The comparisons: serving one, taking its answer, giving it back, taking the last answer back."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain import participation
from studies.domain.assignment import claim_next, open_row, serve, skip
from studies.domain.criteria import criteria_of
from studies.domain.errors import StudyError
from studies.domain.judging import Receipt, submit, undo_last
from studies.enums import StudyStatus
from studies.forms.annotate import JudgmentForm, ReportForm, UndoForm
from studies.models import Annotator, Assignment
from studies.views.annotate_page import comparison_page
from studies.views.annotate_visit import Visit, shut, visited

PAUSE_EVERY = 20
_TOLD = {
    Receipt.ALREADY: _("You had answered that comparison already. Your first answer is kept."),
    Receipt.TAKEN: _(
        "That comparison had gone to somebody else meanwhile, so this answer is not counted. "
        "Nothing else is lost; please go on."
    ),
    Receipt.CLOSED: _("The study has closed, so this answer is not counted. Thank you all the same."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@visited(even_when_shut=True)
def compare(visit: Visit) -> HttpResponse:
    """Serve the comparison this annotator judges next, or take the answer to it."""
    annotator = visit.annotator
    if annotator is None or visit.step() not in ("compare", "survey", "thanks"):
        return visit.goto("start")
    if visit.request.method == "POST":
        return _take_answer(visit, annotator)
    if visit.step() in ("survey", "thanks"):
        return visit.goto(visit.step())
    if visit.study.status != StudyStatus.OPEN:
        return shut(visit)
    return _serve(visit, annotator)


def _serve(visit: Visit, annotator: Annotator) -> HttpResponse:
    try:
        found = serve(annotator=annotator, now=visit.now, rest_every=PAUSE_EVERY)
    except StudyError as error:
        return visit.show("busy", status=503, reason=str(error))
    if found.resting:
        return visit.show("pause", progress=found.progress)
    if found.row is not None:
        return comparison_page(visit, found.row, far=found.progress)
    if not found.progress.done:
        return visit.show("nothing")
    participation.compared(annotator=annotator, now=visit.now)
    annotator.refresh_from_db()
    return visit.goto(visit.step()) if annotator.compared_at else shut(visit)


def _take_answer(visit: Visit, annotator: Annotator) -> HttpResponse:
    study = visit.study
    form = JudgmentForm(visit.request.POST, criteria=criteria_of(study), reasons=study.reasons)
    if not form.is_valid():
        return _ask_again(visit, annotator, form)
    try:
        receipt = submit(annotator=annotator, submission=form.submission(), now=visit.now)
    except Assignment.DoesNotExist as error:
        raise Http404 from error
    except StudyError as error:
        form.add_error(None, str(error))
        return _ask_again(visit, annotator, form)
    if receipt in _TOLD:
        messages.info(visit.request, str(_TOLD[receipt]))
    if _wants_json(visit):
        return JsonResponse({"saved": receipt in (Receipt.SAVED, Receipt.REPEATED), "next": _address(visit)})
    return visit.goto("compare")


def _ask_again(visit: Visit, annotator: Annotator, form: JudgmentForm) -> HttpResponse:
    if _wants_json(visit):
        field = "reason" if "reason" in form.errors else None
        return JsonResponse({"error": form.first_error(), "field": field}, status=422)
    row = open_row(annotator)
    if row is None or str(row.key) != form.data.get("assignment"):
        return visit.goto("compare")
    return comparison_page(visit, row, form=form)


def _wants_json(visit: Visit) -> bool:
    return visit.request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _address(visit: Visit) -> str:
    return reverse("studies:annotate-compare", args=[visit.study.invite])


@require_POST
@visited()
def resume(visit: Visit) -> HttpResponse:
    """End a pause: the next comparison is taken, so the pause page does not come again."""
    if visit.annotator is not None and visit.step() == "compare":
        try:
            claim_next(annotator=visit.annotator, now=visit.now)
        except StudyError as error:
            return visit.show("busy", status=503, reason=str(error))
    return visit.goto("compare")


@require_POST
@visited(even_when_shut=True)
def give_back(visit: Visit) -> HttpResponse:
    """Take a report of a problem and give the comparison back to the plan."""
    if visit.annotator is None:
        return visit.goto("start")
    form = ReportForm(visit.request.POST)
    row = open_row(visit.annotator)
    if form.is_valid():
        key, reason = form.cleaned_data["assignment"], form.reported()
        if skip(annotator=visit.annotator, assignment_key=key, reason=reason):
            messages.info(
                visit.request, _("Thank you for the report. You will not see that comparison again.")
            )
        return visit.goto("compare")
    if row is None or str(row.key) != form.data.get("assignment"):
        return visit.goto("compare")
    return comparison_page(visit, row, report=form)


@require_POST
@visited(even_when_shut=True)
def undo(visit: Visit) -> HttpResponse:
    """Take the last answer back and show its comparison again."""
    if visit.annotator is None:
        return visit.goto("start")
    form = UndoForm(visit.request.POST)
    if form.is_valid():
        key = form.cleaned_data["assignment"]
        try:
            undone = undo_last(annotator=visit.annotator, assignment_key=key, now=visit.now)
        except StudyError as error:
            return visit.show("busy", status=503, reason=str(error))
        if undone:
            messages.info(visit.request, _("Your last answer is taken back. Choose again."))
        else:
            messages.info(visit.request, _("That answer can no longer be taken back."))
    return visit.goto("compare")
