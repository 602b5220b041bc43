"""Who judged, how, and who is left out of the analysis."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies import queries
from studies.domain.conduct import conduct
from studies.domain.errors import StudyError
from studies.domain.exclusion import RULES, exclude_annotator, revoke_exclusion
from studies.domain.quality import apply_rules, spoken_rules
from studies.enums import Ability
from studies.forms import ExclusionForm
from studies.models import Annotator, Exclusion, Study
from studies.views.access import study_view
from studies.views.common import actor_of, page_of

_PER_PAGE = 50


@require_safe
@study_view(Ability.SEE_ANNOTATORS)
def study_annotators(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the table of annotators."""
    page = page_of(study.annotators.all(), request, _PER_PAGE)
    rows = queries.annotator_rows(list(page))
    how = conduct(study, annotators=list(page))
    context = {
        "study": study,
        "tab": "annotators",
        "page": page,
        "rows": [(row, how[row.annotator.pk]) for row in rows],
        "rules": RULES,
        "quality": spoken_rules(study),
        "checked": bool(study.checks),
    }
    return render(request, "dashboard/annotators.html", context)


@require_POST
@study_view(Ability.EXCLUDE)
def apply_quality(request: HttpRequest, study: Study) -> HttpResponse:
    """Exclude annotators by the rules that the plan fixed."""
    try:
        excluded = apply_rules(study=study, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The plan's rules newly exclude {len(excluded)} of the annotators.")
    return redirect("studies:annotators", study.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EXCLUDE)
def exclude(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Leave an annotator out, by a named rule and with a reason."""
    annotator = get_object_or_404(Annotator.objects.select_related("study"), study=study, pk=pk)
    form = ExclusionForm(request.POST) if request.method == "POST" else ExclusionForm()
    if form.is_valid():
        try:
            exclude_annotator(annotator=annotator, actor=actor_of(request), **form.cleaned_data)
        except StudyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{annotator.pseudonym} is left out of the analysis.")
            return redirect("studies:annotators", study.slug)
    row = queries.annotator_rows([annotator])[0]
    context = {"study": study, "tab": "annotators", "row": row, "form": form}
    return render(request, "dashboard/exclude.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EXCLUDE)
def include_again(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Count an annotator's judgments again: asked first, then done."""
    exclusion = get_object_or_404(Exclusion.objects.select_related("study", "annotator"), study=study, pk=pk)
    if request.method != "POST":
        part = "#question" if request.headers.get("HX-Request") else ""
        context = {"study": exclusion.study, "exclusion": exclusion, "rules": RULES}
        return render(request, f"dashboard/include.html{part}", context)
    try:
        revoke_exclusion(exclusion=exclusion, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Their judgments count again.")
    return redirect("studies:annotators", study.slug)
