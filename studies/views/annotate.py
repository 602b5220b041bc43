"""The annotator's pages around the comparisons: link, consent, instructions, thanks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from studies.domain import participation
from studies.domain.errors import StudyError
from studies.domain.judging import last_answered
from studies.domain.own_rows import most_own_rows
from studies.enums import StudyStatus
from studies.forms.annotate import ConsentForm
from studies.forms.recruits import Recruit, recruit
from studies.views.annotate_frame import framed, in_frame
from studies.views.annotate_visit import Visit, identify, shut, slow, visited
from studies.views.throttle import client_address, spend


@require_safe
@framed
@visited(even_when_shut=True)
def start(visit: Visit) -> HttpResponse:
    """Recognise whoever follows the link and take them to where they stand."""
    given = recruit(visit.request.GET)
    if given.previewing:
        return _preview(visit)
    if given.external_id is None:
        return visit.show("unusable", status=400)
    if in_frame(visit.request):
        return _door(visit, given)
    if given.external_id not in ("", visit.external_id) and (wait := _entering(visit)):
        return slow(visit.request, wait)
    identify(visit, given.external_id)
    visit.session_id = given.session_id or visit.session_id
    visit.submit_to = given.submit_to or visit.submit_to
    return visit.remember(visit.goto(visit.step()))


def _entering(visit: Visit) -> int:
    """Count a newcomer from this address; return the seconds to wait where there were too many."""
    return spend("entries", visit.request, f"{visit.study.pk} {client_address(visit.request)}")


def _door(visit: Visit, given: Recruit) -> HttpResponse:
    """Lead out of another site's frame: browsers keep no cookie there, so nobody could be recognised."""
    handing_in: dict[str, Any] = {}
    if given.submit_to:
        handing_in = {"submit_to": given.submit_to, "assignment_id": given.session_id}
    return visit.show("door", address=visit.request.get_full_path(), **handing_in)


def _preview(visit: Visit) -> HttpResponse:
    """Show what somebody would agree to and do; nobody enters, and nothing is kept."""
    if visit.study.status != StudyStatus.OPEN:
        return shut(visit)
    return visit.show("preview", instructions=visit.study.instructions, **_offer(visit))


@require_http_methods(["GET", "HEAD", "POST"])
@visited()
def consent(visit: Visit) -> HttpResponse:
    """Ask for consent, explicitly. Declining leaves no trace."""
    if visit.step() != "consent":
        return visit.goto(visit.step())
    if visit.request.method != "POST":
        identify(visit, "")
        return visit.remember(_consent_page(visit, ConsentForm()))
    if "decline" in visit.request.POST:
        if visit.token:  # pressed twice, the cookie is gone the second time
            participation.decline(study=visit.study, now=visit.now)
        return visit.forget(visit.goto("declined"))
    if not visit.token:
        return visit.show("cookies", status=400)
    form = ConsentForm(visit.request.POST)
    return _agreed(visit) if form.is_valid() else _consent_page(visit, form)


def _agreed(visit: Visit) -> HttpResponse:
    if visit.annotator is None and (wait := _entering(visit)):
        return slow(visit.request, wait)
    try:
        annotator = participation.join(
            study=visit.study,
            token=visit.token,
            external_id=visit.external_id,
            session_id=visit.session_id,
        )
    except StudyError:  # it was paused or closed a moment ago
        return shut(visit)
    participation.consent(annotator=annotator, now=visit.now)
    visit.token = annotator.token
    return visit.remember(visit.goto("instructions"))


def _consent_page(visit: Visit, form: ConsentForm) -> HttpResponse:
    return visit.show("consent", status=422 if form.is_bound else 200, form=form, **_offer(visit))


def _offer(visit: Visit) -> dict[str, Any]:
    study = visit.study
    return {"text": study.consent, "minutes": study.minutes, "quota": study.quota + most_own_rows(study)}


@require_safe
@visited(even_when_shut=True, codes=True)
def declined(visit: Visit) -> HttpResponse:
    """Thank somebody who does not want to take part."""
    return visit.show("declined", **visit.ending("no_consent"))


@require_http_methods(["GET", "HEAD", "POST"])
@visited()
def instructions(visit: Visit) -> HttpResponse:
    """Show what is asked; readable again at any time."""
    if visit.annotator is None or visit.step() == "consent":
        return visit.goto("start")
    if visit.request.method == "POST":
        participation.instruct(annotator=visit.annotator, now=visit.now)
        visit.annotator.refresh_from_db()
        return visit.goto(visit.step())
    prepared = bool(visit.study.practice or visit.study.comprehension)
    return visit.show(
        "instructions",
        prepared=prepared,
        text=visit.study.instructions,
        back="" if visit.step() == "instructions" else visit.step(),
    )


@require_safe
@visited(even_when_shut=True, codes=True)
def thanks(visit: Visit) -> HttpResponse:
    """Give the completion code to those who have come to the end."""
    annotator = visit.annotator
    if annotator is None or visit.step() != "thanks":
        return visit.goto(visit.step())
    last = last_answered(annotator)
    open_still = visit.study.status == StudyStatus.OPEN
    done = annotator.assignments.filter(submitted_at__isnull=False).count()
    undo = str(last.key) if last and open_still else ""
    return visit.show("thanks", done=done, undo=undo, **visit.ending("done"))
