"""Trying the arms: a few prompts through them, side by side and unblinded, before the plan is frozen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generation import presence
from studies.domain.errors import StudyError
from studies.domain.trial import end_trial, refuse_trial, start_trial
from studies.enums import Ability
from studies.files.editing import SECTIONS
from studies.forms.trial import TrialForm
from studies.models import Study
from studies.queries.guidance import idle_guidance
from studies.queries.trial import trial_of
from studies.views.access import study_view
from studies.views.common import actor_of, refuse

_POLL = "1s"
_SUGGESTED = 500
"""Names of prompts that the page suggests."""


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.TRY_OUT)
def trial(request: HttpRequest, study: Study) -> HttpResponse:
    """Show what was tried last, and ask the workers for more."""
    try:
        refuse_trial(study)
    except StudyError as error:
        return refuse(request, study, title=_("No trial any more"), reason=str(error))
    posted = request.method == "POST"
    form = TrialForm(request.POST if posted else None, study=study)
    if form.is_valid():
        try:
            start_trial(
                study=study,
                prompts=form.prompts(),
                arms=form.cleaned_data["arms"],
                actor=actor_of(request),
            )
        except StudyError as error:
            form.add_error(None, str(error))
        else:
            return redirect("studies:trial", study.slug)
    context = _live(study) | {
        "tab": "edit",
        "form": form,
        "idle": idle_guidance(study),
        "sections": SECTIONS.values(),
        "names": study.prompts.values_list("name", flat=True)[:_SUGGESTED],
    }
    return render(request, "dashboard/trial.html", context, status=422 if form.errors else 200)


@require_safe
@study_view(Ability.TRY_OUT)
def trial_progress(request: HttpRequest, study: Study) -> HttpResponse:
    """Return the refreshed part; nothing once the plan is frozen, since what was tried is gone then."""
    return render(request, "dashboard/parts/trial_live.html", _live(study))


@require_POST
@study_view(Ability.TRY_OUT)
def delete_trial(request: HttpRequest, study: Study) -> HttpResponse:
    """Delete what was tried."""
    end_trial(study=study, actor=actor_of(request))
    messages.success(request, _("What was tried is deleted."))
    return redirect("studies:trial", study.slug)


def _live(study: Study) -> dict[str, Any]:
    shown = None if study.frozen else trial_of(study)
    left = shown.progress.left if shown else 0
    return {
        "study": study,
        "trial": shown,
        "generation": shown.progress if shown else None,
        "panel": {"workers": presence.workers()} if left else None,
        "poll": _POLL if left else "",
    }
