"""The generation panel of a study's page: who writes, what failed, and the button beside each failure."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from generation import presence
from generation.models import Completion
from studies.domain.errors import StudyError
from studies.domain.generating import retry_completion
from studies.enums import Ability
from studies.models import Study
from studies.queries.failures import Failure, failed_completions
from studies.views.access import study_view
from studies.views.common import actor_of

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Panel:
    """What is shown of a generation besides its progress."""

    workers: list[presence.Seen]
    speed: float
    """Row-tokens a second, of all workers together."""
    failures: list[Failure]
    more: int
    """How many failures are not shown."""


def panel(study: Study) -> Panel:
    """Return the workers and the first failures of ``study``."""
    failures, number = failed_completions(study, stop=_SHOWN)
    workers = presence.workers()
    return Panel(
        workers=workers,
        speed=sum(worker.speed for worker in workers),
        failures=failures,
        more=max(0, number - _SHOWN),
    )


@require_POST
@study_view(Ability.GENERATE)
def retry(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Ask once more for one completion that failed."""
    completion = get_object_or_404(Completion, pk=pk, batch_key=study.key)
    try:
        retry_completion(study=study, completion=completion, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The completion is asked for again."))
    return redirect("studies:study", study.slug)
