"""Who judged, how, and who is left out of the analysis."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies import queries
from studies.domain.access import allowed
from studies.domain.annotator_table import AnnotatorLine, annotator_lines
from studies.domain.errors import StudyError
from studies.domain.exclusion import RULES, exclude_annotator, revoke_exclusion
from studies.domain.quality import apply_rules, spoken_rules
from studies.enums import Ability
from studies.forms import ExclusionForm
from studies.forms.annotators import AnnotatorsForm
from studies.models import Annotator, Exclusion, Study
from studies.reports.annotators import annotators_csv
from studies.reports.export import filename
from studies.reports.render import FORMATS
from studies.views.access import study_view
from studies.views.common import actor_of, note_download, page_of

_PER_PAGE = 50


@require_safe
@study_view(Ability.SEE_ANNOTATORS)
def study_annotators(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the table of annotators: searched, filtered and sorted by what the address says."""
    form, lines = _found(request, study)
    context = {
        "study": study,
        "tab": "annotators",
        "form": form,
        "sort": form.wanted()["sort"],
        "anybody": study.annotators.exists(),
        "page": page_of(lines, request, _PER_PAGE),
        "columns": _columns(study),
        "rules": RULES,
        "quality": spoken_rules(study, say=gettext),
        "checked": bool(study.checks),
    }
    return render(request, "dashboard/annotators.html", context)


@require_safe
@study_view(Ability.SEE_ANNOTATORS)
def annotators_file(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Send the table as it is found and sorted, all pages of it."""
    _, lines = _found(request, study)
    name = filename(study, "annotators", "csv")
    note_download(request, study, name)
    response = StreamingHttpResponse(annotators_csv(study, lines), content_type=FORMATS["csv"].content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _found(request: HttpRequest, study: Study) -> tuple[AnnotatorsForm, list[AnnotatorLine]]:
    personal = allowed(request.user, study, Ability.SEE_PERSONAL)
    form = AnnotatorsForm(request.GET, personal=personal)
    return form, annotator_lines(study, personal=personal, **form.wanted())


def _columns(study: Study) -> list[tuple[str, str, bool]]:
    """Return the columns that a study has: what each is sorted by, its heading, and whether figures."""
    of_checks = [("checks", gettext("Checks passed"), True), ("reliability", gettext("Reliability"), True)]
    return [
        ("annotator", gettext("Annotator"), False),
        ("status", gettext("Status"), False),
        ("judgments", gettext("Judgments"), True),
        ("speed", gettext("Median active"), True),
        ("position", gettext("Chose A"), True),
        ("agreement", gettext("Agreement"), True),
        *(of_checks if study.checks else []),
        *([("repeats", gettext("Repeats alike"), True)] if study.repeats else []),
        ("seen", gettext("Last seen"), False),
        ("analysis", gettext("In the analysis"), False),
    ]


@require_POST
@study_view(Ability.EXCLUDE)
def apply_quality(request: HttpRequest, study: Study) -> HttpResponse:
    """Exclude annotators by the rules that the plan fixed."""
    try:
        excluded = apply_rules(study=study, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("The plan's rules newly exclude %(excluded)s of the annotators.")
            % {"excluded": len(excluded)},
        )
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
            messages.success(
                request,
                gettext("%(pseudonym)s is left out of the analysis.") % {"pseudonym": annotator.pseudonym},
            )
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
        messages.success(request, gettext("Their judgments count again."))
    return redirect("studies:annotators", study.slug)
