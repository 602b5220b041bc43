"""The study editor: a section of the study file a page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from generation.models import Checkpoint
from studies.domain.errors import StudyError
from studies.enums import Ability, StudyStatus, in_sentence
from studies.files import editing
from studies.files.editing import SECTIONS, Section, SectionError
from studies.files.schema import StudyEntry
from studies.forms.entries import form_of, tell
from studies.forms.entry_reading import Posted, rearrange
from studies.models import Study
from studies.views.access import study_view
from studies.views.common import actor_of, refuse

MOST_ROWS = 25
"""A section with more rows than this is edited as text."""


@require_safe
@study_view(Ability.EDIT)
def edit(_request: HttpRequest, study: Study) -> HttpResponse:
    """Begin with the first section."""
    return redirect("studies:edit-section", study.slug, next(iter(SECTIONS)))


def locked(request: HttpRequest, study: Study) -> HttpResponse | None:
    """Say why a study cannot be edited; None for a draft."""
    if study.status == StudyStatus.DRAFT:
        return None
    reason = gettext(
        "The study is %(status)s, so its plan stays as it is. Copy it to begin a new draft from it."
    ) % {"status": in_sentence(study.get_status_display())}
    return refuse(request, study, title=gettext("Not a draft any more"), reason=reason)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def edit_section(request: HttpRequest, study: Study, name: str) -> HttpResponse:
    """Show a section as a form or as text, and store what comes back."""
    section = SECTIONS.get(name)
    if section is None or name == "prompts":
        message = gettext("The editor has no section %(name)s.") % {"name": name}
        raise Http404(message)
    if (no := locked(request, study)) is not None:
        return no
    data = editing.section_data(study, section)
    as_text = request.GET.get("as") == "text" or _too_long(data)
    if request.method != "POST":
        return section_page(
            request, study, section, data, text=editing.section_text(data) if as_text else None
        )
    return (
        _as_text(request, study, section, data)
        if "section-text" in request.POST
        else _as_form(request, study, section, data)
    )


def _too_long(data: dict[str, Any]) -> bool:
    return any(isinstance(value, list) and len(value) > MOST_ROWS for value in data.values())


def _as_form(request: HttpRequest, study: Study, section: Section, before: dict[str, Any]) -> HttpResponse:
    posted = Posted(request.POST)
    data = posted.entry(StudyEntry, before, keys=section.keys)
    if wanted := request.POST.get("rows"):
        return section_page(request, study, section, rearrange(data, wanted))
    if posted.problems:
        return section_page(request, study, section, data, wrong=SectionError(posted.problems))
    return _stored(request, study, section, data, as_text=None)


def _as_text(request: HttpRequest, study: Study, section: Section, before: dict[str, Any]) -> HttpResponse:
    text = request.POST["section-text"].replace("\r\n", "\n")
    try:
        data = editing.read_section(text, section)
    except StudyError as error:
        return section_page(request, study, section, before, wrong=error, text=text)
    return _stored(request, study, section, data, as_text=text)


def _stored(
    request: HttpRequest, study: Study, section: Section, data: dict[str, Any], *, as_text: str | None
) -> HttpResponse:
    now = editing.version_of(editing.section_data(study, section))
    if request.POST.get("version") != now:
        error = StudyError(
            gettext(
                "Somebody stored this section meanwhile. What you wrote is below; storing "
                "again replaces theirs."
            )
        )
        return section_page(request, study, section, data, wrong=error, text=as_text)
    try:
        editing.store_section(study, section, data, actor=actor_of(request))
    except StudyError as error:
        return section_page(request, study, section, data, wrong=error, text=as_text)
    messages.success(request, gettext("%(title)s: stored.") % {"title": gettext(section.title)})
    names = list(SECTIONS)
    following = names[(names.index(section.name) + 1) % len(names)]
    target = following if "next" in request.POST else section.name
    page = "studies:edit-prompts" if target == "prompts" else "studies:edit-section"
    return redirect(page, study.slug, *([] if target == "prompts" else [target]))


def section_page(
    request: HttpRequest,
    study: Study,
    section: Section,
    data: dict[str, Any],
    *,
    wrong: StudyError | None = None,
    text: str | None = None,
) -> HttpResponse:
    """Show a section as a form, or as ``text``; what is wrong stands beside its field, or above it all."""
    nodes = form_of(StudyEntry, data, keys=section.keys)
    current = editing.version_of(editing.section_data(study, section))
    context = {
        "study": study,
        "tab": "edit",
        "section": section,
        "sections": SECTIONS.values(),
        "nodes": nodes,
        "as_text": text is not None,
        "text": text,
        "version": current,
        "elsewhere": _place(nodes, wrong) if text is None else _lines(wrong, text, section),
        "checkpoints": Checkpoint.objects.order_by("name").values_list("name", flat=True)[:100],
    }
    return render(request, "dashboard/edit.html", context, status=422 if wrong else 200)


def _lines(wrong: StudyError | None, text: str, section: Section) -> list[str]:
    """Return each problem with its line, as the import of a study file would."""
    if isinstance(wrong, SectionError):
        return [str(problem) for problem in editing.located(wrong.problems, text, section)]
    return [str(wrong)] if wrong else []


def _place(nodes: list[Any], wrong: StudyError | None) -> list[str]:
    """Put each problem beside its field; return those that have none on the page."""
    if wrong is None:
        return []
    if not isinstance(wrong, SectionError):
        return [str(wrong)]
    return [
        f"{problem.field}: {problem.problem}"
        for problem in wrong.problems
        if not tell(nodes, problem.field, problem.problem)
    ]
