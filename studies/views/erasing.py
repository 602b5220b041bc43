"""Erasing an annotator's personal data: a page that says what goes and what stays, then the verb."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from studies.domain import erasure
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.forms.erasure import ErasureForm
from studies.models import Annotator, Study
from studies.views.access import study_view
from studies.views.common import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.ERASE)
def erase(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Ask for the pseudonym (GET), then erase for good (POST)."""
    annotator = get_object_or_404(Annotator.objects.select_related("study"), study=study, pk=pk)
    form = ErasureForm(request.POST) if request.method == "POST" else ErasureForm()
    if form.is_valid():
        try:
            erasure.typed(annotator, form.cleaned_data["pseudonym"])
        except StudyError as error:
            form.add_error("pseudonym", str(error))
        else:
            reasons = form.cleaned_data["reasons"]
            erasure.erase_annotator(annotator=annotator, actor=actor_of(request), reasons=reasons)
            messages.success(
                request,
                gettext("What was known of %(pseudonym)s as a person is erased.")
                % {"pseudonym": annotator.pseudonym},
            )
            return redirect("studies:annotators", study.slug)
    context = {
        "study": study,
        "tab": "annotators",
        "annotator": annotator,
        "form": form,
        "erased": [gettext(part) for part in erasure.PERSONAL],
    }
    return render(request, "dashboard/erase.html", context, status=422 if form.is_bound else 200)
