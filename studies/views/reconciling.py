"""The recruiting site's list against who came and finished."""

from __future__ import annotations

from collections import Counter

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from studies.domain.errors import StudyError
from studies.domain.reconciliation import Person
from studies.domain.reconciliation import reconcile as compare
from studies.forms import RecruitedForm
from studies.views.common import find_study


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def reconcile(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the site's CSV and show what is to be done about whom. Nothing is stored."""
    study = find_study(slug)
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
