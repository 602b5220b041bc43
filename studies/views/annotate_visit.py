"""Who is visiting the annotator's pages: the study behind the link, the browser, the annotator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from studies.domain import participation
from studies.enums import FROZEN, AnnotatorStatus, StudyStatus
from studies.models import Annotator, Study, new_token

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

    def goto(self, name: str) -> HttpResponseRedirect:
        """Redirect to another page of this link."""
        return redirect(f"studies:annotate-{name}", self.study.invite)

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """Render a page. Templates get words, never rows of tables, so that they cannot tell too much."""
        context |= {
            "title": self.study.title,
            "invite": self.study.invite,
            "simulated": self.study.simulated,
        }
        return render(self.request, f"annotate/{template}.html", context, status=status)

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
            return {"code": code, "link": recruiting.get("return_link", "").replace("{code}", code)}
        own = self.annotator.code if self.annotator and how == "done" else ""
        return {"code": own, "link": ""}

    def remember(self, response: HttpResponse) -> HttpResponse:
        """Let the browser keep its secret, out of reach of scripts."""
        value = signing.dumps(
            {"token": self.token, "external_id": self.external_id, "session_id": self.session_id}, salt=_SALT
        )
        response.set_cookie(
            cookie_name(self.study.invite),
            value,
            max_age=_DAYS * 24 * 60 * 60,
            path=_path(self.study.invite),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def forget(self, response: HttpResponse) -> HttpResponse:
        """Take the secret back."""
        response.delete_cookie(cookie_name(self.study.invite), path=_path(self.study.invite))
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
    session_id = stored.get("session_id", "")
    return Visit(request, study, token, external_id, annotator, timezone.now(), session_id) if study else None


def visited(*, even_when_shut: bool = False) -> Callable[[View], View]:
    """Make a view of a `Visit`: the link is known, the study is open, and nothing is cached."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, invite: str) -> HttpResponse:
            # In the browser's language; not by a middleware, because the dashboard is in English.
            with translation.override(translation.get_language_from_request(request)):
                response = _answer(view, request, invite, even_when_shut=even_when_shut)
                response["Content-Language"] = translation.get_language()
            patch_vary_headers(response, ["Accept-Language"])
            patch_cache_control(response, no_store=True, private=True)
            return response

        return wrapped

    return decorate


def _answer(view: View, request: HttpRequest, invite: str, *, even_when_shut: bool) -> HttpResponse:
    visit = _visit(request, invite)
    if visit is None:
        return render(request, "annotate/unknown.html", status=404)
    study = visit.study
    if study.status not in FROZEN:
        return visit.show("shut", state="early")
    if study.status != StudyStatus.OPEN and not even_when_shut:
        return shut(visit)
    return view(visit)


def shut(visit: Visit) -> HttpResponse:
    """Say kindly that the study takes no answers now, with the code of those who gave some."""
    visit.study.refresh_from_db(fields=["status"])
    state = "paused" if visit.study.status == StudyStatus.PAUSED else "closed"
    annotator = visit.annotator
    judged = annotator and annotator.assignments.filter(submitted_at__isnull=False).exists()
    ended: dict[str, Any] = visit.ending("done") if annotator and judged and state == "closed" else {}
    return visit.show("shut", state=state, **ended)
