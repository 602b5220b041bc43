"""The prompts of a draft: listed, pasted, uploaded, taken from a preset, changed and removed one by one."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.files import editing
from studies.files.editing import SECTIONS, SectionError
from studies.files.errors import StudyFileError
from studies.files.pasted import Prompts, named, pasted, uploaded
from studies.files.reader import read_study
from studies.files.rows import Rows
from studies.files.schema import PromptEntry
from studies.forms.editor import PromptsForm
from studies.forms.entries import form_of, tell
from studies.forms.entry_reading import Posted
from studies.models import Study
from studies.presets.catalogue import preset_file
from studies.views.access import study_view
from studies.views.common import actor_of, page_of
from studies.views.editor import locked

SECTION = SECTIONS["prompts"]
_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def prompts(request: HttpRequest, study: Study) -> HttpResponse:
    """List the prompts, and take more."""
    if (no := locked(request, study)) is not None:
        return no
    posted = request.method == "POST"
    form = PromptsForm(request.POST, request.FILES) if posted else PromptsForm()
    if form.is_valid():
        there = [] if form.cleaned_data["replace"] else _there(study)
        try:
            new, lines = given_prompts(form.cleaned_data)
            new = named(new, taken=there)
            editing.store_section(study, SECTION, {"prompts": there + new}, actor=actor_of(request))
        except SectionError as error:
            for problem in error.problems[:5]:
                form.add_error(field_of(form), located(problem, len(there), lines))
        except StudyError as error:
            form.add_error(field_of(form), str(error))
        else:
            messages.success(request, gettext("Prompts added: %(new)s.") % {"new": f"{len(new):,}"})
            return redirect("studies:edit-prompts", study.slug)
    context = _context(study) | {
        "form": form,
        "page": page_of(study.prompts.all(), request, _PAGE),
    }
    return render(request, "dashboard/edit_prompts.html", context, status=422 if form.is_bound else 200)


def _context(study: Study) -> dict[str, Any]:
    return {"study": study, "tab": "edit", "section": SECTION, "sections": SECTIONS.values()}


def _there(study: Study) -> Prompts:
    found: Prompts = editing.section_data(study, SECTION)["prompts"]
    return found


def given_prompts(data: dict[str, Any]) -> tuple[Prompts, Rows]:
    """Return the prompts that a form was given, and the rows of a file with their lines."""
    if data["file"]:
        rows = uploaded(data["file"].read(), name=PurePath(data["file"].name or "prompts").name)
        return [row for _, row in rows], rows
    if data["preset"]:
        entry = read_study(preset_file(data["preset"]), name=data["preset"])
        return [prompt.model_dump(exclude_defaults=True) for prompt in entry.prompts], []
    told = {key: data[key] for key in ("shape", "system", "stratum")}
    return pasted(data["prompts"], **told), []


def field_of(form: PromptsForm) -> str:
    """Return the field that the prompts of a form came by."""
    return next(name for name in ("file", "preset", "prompts") if form.cleaned_data.get(name))


def located(problem: StudyFileError, before: int, rows: Rows) -> str:
    """Say where a problem stands: on a line of the file, or at which of the new prompts."""
    head, _, rest = problem.field.partition("]")
    number = head.removeprefix("prompts[")
    if not number.isdigit() or int(number) < before:
        return f"{problem.field}: {problem.problem}"
    index = int(number) - before
    place = (
        gettext("line %(value)s") % {"value": rows[index][0]}
        if rows
        else gettext("prompt %(value)s") % {"value": index + 1}
    )
    told = [place, rest.lstrip(".")]
    return f"{', '.join(part for part in told if part)}: {problem.problem}"


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def prompt(request: HttpRequest, study: Study, number: int) -> HttpResponse:
    """Show one prompt with all its keys, and store what comes back."""
    if (no := locked(request, study)) is not None:
        return no
    data, path = _there(study), f"prompts[{number - 1}]"
    one = _numbered(data, number)
    version = editing.version_of(one)
    wrong: list[str] = []
    nodes = form_of(PromptEntry, one, path=path)
    if request.method == "POST":
        posted = Posted(request.POST)
        changed = posted.entry(PromptEntry, one, path=path)
        nodes = form_of(PromptEntry, changed, path=path)
        error: StudyError | None = SectionError(posted.problems) if posted.problems else None
        error = error or _store_one(request, study, data, number, changed)
        if error is None:
            messages.success(request, gettext("Prompt %(number)s is stored.") % {"number": number})
            return redirect("studies:edit-prompts", study.slug)
        problems = error.problems if isinstance(error, SectionError) else []
        wrong = [] if problems else [str(error)]
        wrong += [str(told) for told in problems if not tell(nodes, told.field, told.problem)]
    context = _context(study) | {"nodes": nodes, "number": number, "version": version, "elsewhere": wrong}
    status = 422 if request.method == "POST" else 200
    return render(request, "dashboard/edit_prompt.html", context, status=status)


def _numbered(data: Prompts, number: int) -> dict[str, Any]:
    if not 1 <= number <= len(data):
        message = gettext("The study has no prompt %(number)s.") % {"number": number}
        raise Http404(message)
    return data[number - 1]


def _store_one(
    request: HttpRequest, study: Study, data: Prompts, number: int, changed: dict[str, Any]
) -> StudyError | None:
    """Store one prompt in its place; return what is wrong."""
    if request.POST.get("version") != editing.version_of(data[number - 1]):
        return StudyError(
            gettext("Somebody changed the prompts meanwhile. Look again, then store once more.")
        )
    given = [changed if index == number - 1 else one for index, one in enumerate(data)]
    try:
        editing.store_section(study, SECTION, {"prompts": given}, actor=actor_of(request))
    except StudyError as error:
        return error
    return None


@require_POST
@study_view(Ability.EDIT)
def remove_prompt(request: HttpRequest, study: Study, number: int) -> HttpResponse:
    """Take one prompt out."""
    if (no := locked(request, study)) is not None:
        return no
    data = _there(study)
    gone = _numbered(data, number)
    if request.POST.get("id") != gone["id"]:
        messages.error(request, gettext("Somebody changed the prompts meanwhile; nothing was removed."))
        return redirect("studies:edit-prompts", study.slug)
    kept = [one for one in data if one is not gone]
    try:
        editing.store_section(study, SECTION, {"prompts": kept}, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, gettext("Nothing was removed: %(error)s") % {"error": error})
    else:
        messages.success(request, gettext("“%(value)s” is removed.") % {"value": gone["id"]})
    return redirect("studies:edit-prompts", study.slug)
