"""Completions that were written elsewhere: taken from a file, and what is still missing."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from studies.domain.errors import StudyError
from studies.enums import Ability, StudyStatus
from studies.files.completions import CompletionsError, import_completions, places
from studies.files.editing import SECTIONS
from studies.forms.completions import CompletionsForm
from studies.models import Arm, Study
from studies.views.access import study_view
from studies.views.common import actor_of, refuse

_NAMED, _TOLD = 100, 1_000
"""Prompts that are named as missing, and lines that are told as wrong: all are counted."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many completions of an arm are there, and the prompts that lack one."""

    arm: Arm
    total: int
    there: int
    missing: list[str]

    @property
    def id(self) -> str:
        """What tells its bar from the others on the page."""
        return f"filled-{self.arm.position}"

    @property
    def named(self) -> list[str]:
        """The first of those missing."""
        return self.missing[:_NAMED]

    @property
    def more(self) -> int:
        """How many more are missing."""
        return max(0, len(self.missing) - _NAMED)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def completions(request: HttpRequest, study: Study) -> HttpResponse:
    """Show what is there of each arm, and take a file: all of its rows, or none."""
    if study.status not in (StudyStatus.DRAFT, StudyStatus.GENERATING):
        reason = _("Completions are taken until all of them are there. This study has them all.")
        return refuse(request, study, title=_("No more completions"), reason=reason)
    posted = request.method == "POST"
    form = CompletionsForm(*((request.POST, request.FILES) if posted else ()), study=study)
    wrong: list[tuple[int, str]] = []
    if form.is_valid():
        try:
            number = _take(study, form.cleaned_data["file"], form.cleaned_data["arm"], request)
        except CompletionsError as error:
            wrong = error.wrong
        except StudyError as error:
            form.add_error("file", str(error))
        else:
            said = ngettext("%(number)s completion taken.", "%(number)s completions taken.", number)
            messages.success(request, said % {"number": f"{number:,}"})
            return redirect("studies:completions", study.slug)
    context = _context(study) | {"form": form, "wrong": wrong[:_TOLD], "lines": len(wrong)}
    return render(request, "dashboard/completions.html", context, status=422 if form.errors or wrong else 200)


def _take(study: Study, file: UploadedFile[Any], arm: str, request: HttpRequest) -> int:
    with tempfile.TemporaryDirectory(prefix="evenhand-completions-") as folder:
        path = Path(folder) / PurePath(file.name or "completions").name
        with path.open("wb") as copy:
            copy.writelines(file.chunks())
        return import_completions(study, path, actor=actor_of(request), arm=arm)


def _context(study: Study) -> dict[str, Any]:
    filled = _filled(study)
    return {
        "study": study,
        "tab": "edit",
        "sections": SECTIONS.values(),
        "filled": filled,
        "missing": sum(len(one.missing) for one in filled),
    }


def _filled(study: Study) -> list[Filled]:
    arms = list(study.arms.select_related("checkpoint"))
    there = dict.fromkeys((arm.name for arm in arms), 0)
    missing: dict[str, list[str]] = {arm.name: [] for arm in arms}
    for (prompt, arm, replicate), taken in places(study, coming=False).items():
        if taken:
            there[arm] += 1
        else:
            missing[arm].append(f"{prompt} ({replicate})" if study.replicates > 1 else prompt)
    return [
        Filled(arm, there[arm.name] + len(missing[arm.name]), there[arm.name], missing[arm.name])
        for arm in arms
    ]


@require_safe
@study_view(Ability.EDIT)
def missing_completions(_request: HttpRequest, study: Study) -> HttpResponse:
    """Download a CSV with a row for each completion of an uploaded arm that is missing, to be filled in."""
    given = {arm.name for arm in study.arms.select_related("checkpoint") if arm.checkpoint.given}
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(("prompt", "arm", "replicate", "text"))
    # A name begins with a letter, a digit or “_”, so no cell reads as a formula.
    table.writerows((*place, "") for place, taken in places(study).items() if not taken and place[1] in given)
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{study.slug}-missing.csv"'
    return answer
