"""Who is visiting the annotator's pages: the study behind the link, the browser, the annotator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from studies.domain import participation
from studies.domain.invites import revoked_study
from studies.enums import FROZEN, AnnotatorStatus, StudyStatus
from studies.forms.recruits import recruit
from studies.models import Annotator, Study, new_token
from studies.views import throttle

_SALT = "studies.annotator"
_DAYS = 180
View = Callable[..., HttpResponse]


@dataclass(slots=True)
class Visit:
    """One request of somebody who followed a link."""

    request: HttpRequest
    study: Study
    token: str
    """The browser's secret; empty when it has shown none."""
    external_id: str
    annotator: Annotator | None
    now: datetime
    session_id: str = ""
    """What the recruiting site calls this visit."""
    submit_to: str = ""
    """Where the recruiting site wants the answer that somebody has finished; empty where it does not."""
    invite: str = ""
    """The word of the link that was followed: the study's, or one that was withdrawn since."""

    def goto(self, name: str) -> HttpResponseRedirect:
        """Redirect to another page of this link."""
        return redirect(f"studies:annotate-{name}", self.invite)

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """Render a page. Templates get words, never rows of tables, so that they cannot tell too much."""
        context |= {
            "title": self.study.title,
            "invite": self.invite,
            "simulated": self.study.simulated,
        }
        page = render(self.request, f"annotate/{template}.html", context, status=status)
        if "submit_to" in context:
            hosts = [f"https://{host}" for host in settings.SUBMIT_HOSTS]
            csp_update({"form-action": hosts})(lambda _: page)(self.request)
        return page

    def step(self) -> str:
        """Return the page where this visitor stands."""
        annotator, study = self.annotator, self.study
        if annotator is None or annotator.consented_at is None:
            return "consent"
        here = {
            "instructions": annotator.instructed_at is None,
            "screened": annotator.status == AnnotatorStatus.SCREENED,
            "practice": annotator.practised < len(study.practice),
            "comprehension": bool(study.comprehension) and annotator.understood_at is None,
            "survey": bool(study.survey) and bool(annotator.compared_at) and annotator.surveyed_at is None,
            "thanks": annotator.status == AnnotatorStatus.FINISHED,
        }
        return next((step for step, stands in here.items() if stands), "compare")

    def ending(self, how: str) -> dict[str, Any]:
        """Return the code of an ending (done, screened_out, no_consent) and the link that takes it back.

        The recruiting site's code if the study has one; else, for those who are done, their own.
        """
        recruiting: dict[str, str] = self.study.recruiting
        if code := recruiting.get(how, ""):
            link = recruiting.get("return_link", "").replace("{code}", code)
            return {"code": code, "link": link, **self._handing_in(how)}
        own = self.annotator.code if self.annotator and how == "done" else ""
        return {"code": own, "link": "", **self._handing_in(how)}

    def _handing_in(self, how: str) -> dict[str, str]:
        """Return where a recruiting site of the kind of MTurk wants to be told that somebody is done."""
        if how != "done" or not self.submit_to:
            return {}
        return {"submit_to": self.submit_to, "assignment_id": self.session_id}

    def remember(self, response: HttpResponse) -> HttpResponse:
        """Let the browser keep its secret, out of reach of scripts."""
        kept = {"token": self.token, "external_id": self.external_id, "session_id": self.session_id}
        if self.submit_to:
            kept["submit_to"] = self.submit_to
        value = signing.dumps(kept, salt=_SALT)
        response.set_cookie(
            cookie_name(self.invite),
            value,
            max_age=_DAYS * 24 * 60 * 60,
            path=_path(self.invite),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def forget(self, response: HttpResponse) -> HttpResponse:
        """Take the secret back."""
        response.delete_cookie(cookie_name(self.invite), path=_path(self.invite))
        return response


def cookie_name(invite: str) -> str:
    """Return the cookie's name: different for each link, telling nothing about the study."""
    return f"annotator-{hashlib.sha256(invite.encode()).hexdigest()[:16]}"


def _path(invite: str) -> str:
    return reverse("studies:annotate-start", args=[invite])


def identify(visit: Visit, external_id: str) -> None:
    """Settle who this is at the start: a recruiting site's id counts more than the browser's memory."""
    if external_id and external_id != visit.external_id:
        visit.external_id = external_id
        visit.annotator = participation.known(study=visit.study, token="", external_id=external_id)
        visit.token = visit.annotator.token if visit.annotator else new_token()
    visit.token = visit.token or new_token()


def _remembered(request: HttpRequest, invite: str) -> dict[str, str]:
    try:
        stored = signing.loads(request.COOKIES.get(cookie_name(invite), ""), salt=_SALT)
    except signing.BadSignature:
        return {}
    return dict(stored)


def _visit(request: HttpRequest, invite: str) -> Visit | None:
    """Return who comes to which study: known annotators, who are most visitors, with one query."""
    stored = _remembered(request, invite)
    token, external_id = stored.get("token", ""), stored.get("external_id", "")
    annotator = (
        participation.returning(invite=invite, token=token, external_id=external_id) if token else None
    )
    study = annotator.study if annotator else Study.objects.filter(invite=invite).defer("plan").first()
    if study is None:
        study = revoked_study(invite)
        if study and token:
            annotator = participation.known(study=study, token=token, external_id=external_id)
    if study is None:
        return None
    session_id, submit_to = stored.get("session_id", ""), stored.get("submit_to", "")
    return Visit(
        request, study, token, external_id, annotator, timezone.now(), session_id, submit_to, invite=invite
    )


def visited(*, even_when_shut: bool = False, codes: bool = False) -> Callable[[View], View]:
    """Make a view of a `Visit`: the link is known, the study is open, and nothing is cached.

    Pages with ``codes`` are those that show completion codes: nobody asks for them in a hurry.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, invite: str) -> HttpResponse:
            response = _answer(view, request, invite, even_when_shut=even_when_shut, codes=codes)
            patch_cache_control(response, no_store=True, private=True)
            return response

        return wrapped

    return decorate


def _answer(
    view: View, request: HttpRequest, invite: str, *, even_when_shut: bool, codes: bool
) -> HttpResponse:
    visit = _visit(request, invite)
    if visit is None:
        # A link that exists is always served, so whoever guesses hinders nobody at the same address.
        if wait := throttle.spend("links", request):
            return slow(request, wait)
        return render(request, "annotate/unknown.html", status=404)
    if codes and (wait := throttle.spend("codes", request, visit.token)):
        return slow(request, wait)
    try:
        return _refused(visit, even_when_shut=even_when_shut) or view(visit)
    except Http404:
        return visit.show("lost", status=404)


def _refused(visit: Visit, *, even_when_shut: bool) -> HttpResponse | None:
    """Return why nobody gets past the door now; None when somebody does."""
    study = visit.study
    if study.status not in FROZEN:
        return visit.show("shut", state="early")
    if study.status != StudyStatus.OPEN and not even_when_shut:
        return shut(visit)
    if visit.annotator is None and (gone := _gone(visit)):
        return visit.show("gone", status=410, state=gone)
    return None


def _gone(visit: Visit) -> str:
    """Return why the link lets no newcomer in; empty when it does, or for somebody who has been here."""
    state = ""
    if visit.invite != visit.study.invite:
        state = "revoked"
    elif visit.study.invite_until is not None and visit.study.invite_until <= visit.now:
        state = "expired"
    given = recruit(visit.request.GET).external_id if state else ""
    known = given and participation.known(study=visit.study, token="", external_id=given)
    return "" if known else state


def slow(request: HttpRequest, seconds: int) -> HttpResponse:
    """Ask for patience, and say for how long."""
    context = {"minutes": -(-seconds // 60)}
    response = render(request, "annotate/slow.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


def shut(visit: Visit) -> HttpResponse:
    """Say kindly that the study takes no answers now, with the code of those who gave some."""
    visit.study.refresh_from_db(fields=["status"])
    state = "paused" if visit.study.status == StudyStatus.PAUSED else "closed"
    annotator = visit.annotator
    judged = annotator and annotator.assignments.filter(submitted_at__isnull=False).exists()
    ended: dict[str, Any] = visit.ending("done") if annotator and judged and state == "closed" else {}
    return visit.show("shut", state=state, **ended)
