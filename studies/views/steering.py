"""What a study does beside its plan, or as it has it for the time before its end: extend, unblind, look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from studies.analysis.plan import GROUP_SEQUENTIAL, NO_LOOKS, plan_from
from studies.domain.access import allowed
from studies.domain.early_unblinding import unblind_early
from studies.domain.errors import StudyError
from studies.domain.extending import extend_study, refuse_addition, refuse_extension
from studies.enums import Ability, StudyStatus
from studies.files.adding import add_given
from studies.files.editing import SectionError
from studies.forms.steering import AdditionForm, ExtensionForm, UnblindingForm
from studies.models import Study
from studies.reports.looks import looks_taken, planned_looks, take_look
from studies.views.access import require, study_view
from studies.views.common import actor_of
from studies.views.editor_prompts import field_of, given_prompts, located

_COLLECTS = (StudyStatus.OPEN, StudyStatus.PAUSED)
_BOUND = 422
_MOST_PROBLEMS = 5
_IDS = "add_%s"
"""Both forms of the page ask for a reason."""


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.CONDUCT)
def extend(request: HttpRequest, study: Study) -> HttpResponse:
    """Ask for more judgments of each comparison than planned; offer to add prompts instead."""
    form = ExtensionForm(request.POST if request.method == "POST" else None, study=study)
    if form.is_valid() and _done(
        form, lambda: extend_study(study=study, actor=actor_of(request), **form.cleaned_data)
    ):
        messages.success(
            request,
            gettext("Each comparison is judged %(value)s times in all.")
            % {"value": form.cleaned_data["overlap"]},
        )
        return redirect("studies:study", study.slug)
    return _extend_page(request, study, form=form, status=_BOUND if form.is_bound else 200)


@require_POST
@study_view(Ability.CONDUCT)
def add_prompts(request: HttpRequest, study: Study) -> HttpResponse:
    """Add prompts that the plan does not have; they are judged once the arms have answered them."""
    form = AdditionForm(request.POST, request.FILES, auto_id=_IDS)
    if form.is_valid():
        there, reason = study.prompts.count(), form.cleaned_data["reason"]
        try:
            new, lines = given_prompts(form.cleaned_data)
            add_given(study, new, reason=reason, actor=actor_of(request))
        except SectionError as error:
            for problem in error.problems[:_MOST_PROBLEMS]:
                form.add_error(field_of(form), located(problem, there, lines))
        except StudyError as error:
            form.add_error(field_of(form), str(error))
        else:
            messages.success(
                request, gettext("Prompts added: {number}. They are written now.").format(number=len(new))
            )
            return redirect("studies:study", study.slug)
    return _extend_page(request, study, addition=form, status=_BOUND)


def _extend_page(request: HttpRequest, study: Study, *, status: int, **forms: Any) -> HttpResponse:
    context = {
        "study": study,
        "tab": "overview",
        "form": ExtensionForm(study=study),
        "addition": AdditionForm(auto_id=_IDS),
        "possible": study.status in _COLLECTS,
        "refused": _refusal(refuse_extension, study),
        "unwritten": _refusal(refuse_addition, study),
    }
    return render(request, "dashboard/extend.html", context | forms, status=status)


def _refusal(refuse: Callable[[Study], None], study: Study) -> str:
    try:
        refuse(study)
    except StudyError as error:
        return str(error)
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.UNBLIND_EARLY)
def unblind(request: HttpRequest, study: Study) -> HttpResponse:
    """Ask why, and for the study's name; then show everybody who may see results which arm wrote what."""
    form = UnblindingForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _done(
        form, lambda: unblind_early(study=study, actor=actor_of(request), **form.cleaned_data)
    ):
        messages.success(
            request, gettext("The study is unblinded. The log has it, and the report will say it.")
        )
        return redirect("studies:study", study.slug)
    possible = study.status in _COLLECTS and not study.unblinded
    context = {"study": study, "tab": "looks", "form": form, "possible": possible}
    return render(request, "dashboard/unblind.html", context, status=_BOUND if form.is_bound else 200)


def _done(form: ExtensionForm | UnblindingForm, verb: Callable[[], Study]) -> bool:
    """Call the verb; what it refuses stands above the form."""
    try:
        verb()
    except StudyError as error:
        form.add_error(None, str(error))
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_RESULTS)
def looks(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the plan's looks and those taken (GET); take one (POST)."""
    if request.method == "POST":
        require(request, study, Ability.CONDUCT)
        return _look(request, study)
    interim = plan_from(study.analysis).interim
    context = {
        "study": study,
        "tab": "looks",
        "interim": interim,
        "planned": planned_looks(study),
        "taken": looks_taken(study),
        "none": interim.method == NO_LOOKS,
        "sequential": interim.method == GROUP_SEQUENTIAL,
        "collects": study.status in _COLLECTS,
        "may_unblind": allowed(request.user, study, Ability.UNBLIND_EARLY),
    }
    return render(request, "dashboard/looks.html", context)


def _look(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        look = take_look(study=study, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        answer = gettext("the rule allows to stop") if look.stop else gettext("go on")
        messages.success(
            request,
            gettext("Look %(number)s at %(judgments)s judgments: %(answer)s.")
            % {"number": look.number, "judgments": look.judgments, "answer": answer},
        )
    return redirect("studies:looks", study.slug)
