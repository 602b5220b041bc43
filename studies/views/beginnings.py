"""New drafts: from nothing, and as a copy of another study."""

from __future__ import annotations

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from generation.models import Checkpoint
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.files import editing
from studies.files.beginning import beginning
from studies.files.cloning import copy_study
from studies.files.editing import SectionError
from studies.files.pasted import pasted
from studies.forms.editor import CopyForm, NewStudyForm
from studies.models import Study
from studies.views.access import signed_in, study_view
from studies.views.common import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: HttpRequest) -> HttpResponse:
    """Make a first valid draft, and go on in the editor."""
    form = NewStudyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = dict(form.cleaned_data)
        given["prompts"] = pasted(given["prompts"], shape=given.pop("shape"), system=given.pop("system", ""))
        owner = request.user if request.user.is_authenticated else None
        try:
            study = editing.create_study(beginning(**given), actor=actor_of(request), owner=owner)
        except StudyError as error:
            _place(form, error)
        else:
            messages.success(
                request,
                gettext("“%(study)s” is a draft now. Everything can still change.") % {"study": study.slug},
            )
            return redirect("studies:edit", study.slug)
    context = {"form": form, "checkpoints": Checkpoint.objects.filter(endpoint={}).order_by("name")[:100]}
    return render(request, "dashboard/new.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_DESIGN)
def copy(request: HttpRequest, study: Study) -> HttpResponse:
    """Make a draft that says what this study says."""
    form = CopyForm(
        request.POST if request.method == "POST" else None, initial={"study": f"{study.slug}-copy"}
    )
    if form.is_valid():
        given = form.cleaned_data
        owner = request.user if request.user.is_authenticated else None
        try:
            made, number = copy_study(
                study,
                name=given["study"],
                completions=given["completions"],
                actor=actor_of(request),
                owner=owner,
            )
        except StudyError as error:
            _place(form, error)
        else:
            along = (
                gettext(" with %(number)s completions") % {"number": f"{number:,}"}
                if given["completions"]
                else ""
            )
            messages.success(
                request,
                gettext("“%(study)s” is a copy of “%(study2)s”%(along)s.")
                % {"study": made.slug, "study2": study.slug, "along": along},
            )
            return redirect("studies:study", made.slug)
    context = {"study": study, "form": form, "tab": ""}
    return render(request, "dashboard/copy.html", context, status=422 if form.is_bound else 200)


def _place(form: Form, error: StudyError) -> None:
    """Put what the file's check says beside the field that it concerns."""
    problems = error.problems if isinstance(error, SectionError) else []
    for problem in problems:
        part, last = problem.field.partition("[")[0], problem.field.rpartition(".")[2]
        known = {"criteria": "question"}.get(part, last if last in form.fields else part)
        form.add_error(known if known in form.fields else None, f"{problem.field}: {problem.problem}")
    if not problems:
        form.add_error(None, str(error))
