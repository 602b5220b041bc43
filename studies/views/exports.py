"""Everything out of a study in one click, and preference pairs for training."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.exports.package import folder_of, note_export, zip_bytes
from studies.exports.preferences import WRITERS, Form, Ties, Wish, check_wish
from studies.forms.preferences import PreferencesForm
from studies.models import Study
from studies.reports.export import filename
from studies.views.access import require, study_view
from studies.views.common import actor_of, refuse


@require_safe
@study_view(Ability.EXPORT)
def everything(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Stream a ZIP of everything: personal data when asked for, what names arms once the study is closed."""
    personal = request.GET.get("personal") == "1"
    if personal:
        require(request, study, Ability.SEE_PERSONAL)
    if request.method == "GET":
        note_export(study, actor=actor_of(request), personal=personal)
    response = StreamingHttpResponse(zip_bytes(study, personal=personal), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{folder_of(study)}.zip"'
    return response


@require_safe
@study_view(Ability.EXPORT)
def preferences(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Ask which pairs are wanted, then stream them: `file` in the address says that it was asked."""
    if not study.unblinded:
        reason = gettext(
            "Preference pairs say which arm wrote what, so they can be had once the study is closed."
        )
        return refuse(request, study, title=gettext("No preference pairs yet"), reason=reason)
    form = PreferencesForm(study, request.GET if "file" in request.GET else None)
    if not form.is_valid():
        return _page(request, study, form)
    try:
        return _pairs(request, study, form.cleaned_data)
    except StudyError as error:
        form.add_error(None, str(error))
        return _page(request, study, form)


def _page(request: HttpRequest, study: Study, form: PreferencesForm) -> HttpResponseBase:
    context = {"study": study, "form": form}
    return render(request, "dashboard/preferences.html", context, status=422 if form.is_bound else 200)


def _pairs(request: HttpRequest, study: Study, asked: dict[str, Any]) -> HttpResponseBase:
    wish = Wish(
        criterion=asked["criterion"],
        share=asked["share"],
        least=asked["least"],
        ties=Ties(asked["ties"]),
        excluded=asked["excluded"],
        form=Form(asked["form"]) if asked["form"] else None,
    )
    check_wish(study, wish)
    name = filename(study, "preferences", asked["file"])
    if request.method == "GET":
        record_event(actor=actor_of(request), action="file.downloaded", study=study, after={"file": name})
    response = StreamingHttpResponse(
        WRITERS[asked["file"]](study, wish), content_type="application/octet-stream"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
