"""The recruiting site's list against who came and finished."""

from __future__ import annotations

from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from studies.domain.errors import StudyError
from studies.domain.reconciliation import Person
from studies.domain.reconciliation import reconcile as compare
from studies.enums import Ability
from studies.forms import RecruitedForm
from studies.models import Study
from studies.views.access import study_view


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_PERSONAL)
def reconcile(request: HttpRequest, study: Study) -> HttpResponse:
    """Take the site's CSV and show what is to be done about whom. Nothing is stored."""
    form = RecruitedForm(request.POST, request.FILES) if request.method == "POST" else RecruitedForm()
    people: list[Person] = []
    if form.is_valid():
        try:
            people = compare(study, form.cleaned_data["file"].read())
        except StudyError as error:
            form.add_error("file", str(error))
    context = {
        "study": study,
        "tab": "annotators",
        "form": form,
        "people": people,
        "counts": Counter(person.verdict.value for person in people).items(),
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "dashboard/reconcile.html", context, status=status)
