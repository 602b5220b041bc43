"""Importing a study file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain.errors import StudyError
from studies.files.importer import import_upload
from studies.forms import StudyFileForm
from studies.models import Study
from studies.presets.catalogue import PRESETS, import_preset
from studies.views.access import signed_in
from studies.views.common import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def import_file(request: HttpRequest) -> HttpResponse:
    """Read an uploaded study file; what is wrong with it stands beside the field."""
    posted = request.method == "POST"
    form = StudyFileForm(request.POST, request.FILES) if posted else StudyFileForm()
    if form.is_valid():
        try:
            study = _import(request, form.cleaned_data["file"], form.cleaned_data["prompts"])
        except StudyError as error:
            form.add_error("file", str(error))
        else:
            messages.success(request, gettext("“%(study)s” is imported.") % {"study": study.slug})
            return redirect("studies:study", study.slug)
    status = 422 if form.is_bound else 200
    return render(
        request, "dashboard/import.html", {"form": form, "presets": PRESETS.values()}, status=status
    )


@require_POST
@signed_in
def import_named(request: HttpRequest, name: str) -> HttpResponse:
    """Import a preset study as a draft."""
    owner = request.user if request.user.is_authenticated else None
    take = None if request.POST.get("take") == "all" else 0
    try:
        study = import_preset(name, actor=actor_of(request), take=take, owner=owner)
    except StudyError as error:
        messages.error(request, str(error))
        return redirect("studies:import")
    messages.success(request, gettext("“%(study)s” is imported.") % {"study": study.slug})
    return redirect("studies:study", study.slug)


def _import(request: HttpRequest, file: UploadedFile[Any], prompts: UploadedFile[Any] | None) -> Study:
    return import_upload(
        file.read(),
        name=file.name or "",
        prompts=(prompts.name or "", prompts.read()) if prompts is not None else None,
        actor=actor_of(request),
        owner=request.user if request.user.is_authenticated else None,
    )
