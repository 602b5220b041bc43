"""Errors as problem details (RFC 9457): one kind for each thing that a program can do something about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

MEDIA_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its title, and what to do."""

    status: int
    title: str
    advice: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(400, "The request cannot be read", "Mend what the detail names."),
    "unauthenticated": Kind(401, "Not logged in", "Send “Authorization: Bearer TOKEN” with a valid token."),
    "forbidden": Kind(403, "Not allowed", "Ask somebody whose role in the study allows it."),
    "scope": Kind(403, "The token is not for this", "Make a token that has the scope which is named."),
    "blinded": Kind(403, "Still blinded", "Close the study; until then nobody sees results."),
    "csrf": Kind(403, "No CSRF token", "Send X-CSRFToken with a session, or use a token."),
    "not-found": Kind(404, "Not found", "Look for what you may see in the lists."),
    "method": Kind(405, "Not with this method", "Use one of the methods that Allow names."),
    "conflict": Kind(409, "Not in this state", "Read how things stand, and decide anew."),
    "plan-frozen": Kind(409, "The plan is frozen", "Start a new study under another name."),
    "changed": Kind(412, "Changed meanwhile", "Read it again: its ETag is not the one of If-Match."),
    "too-large": Kind(413, "Too large", "Send less at once."),
    "media-type": Kind(415, "Not in this form", "Send one of the content types that are named."),
    "invalid": Kind(422, "Not valid", "Mend the fields that “errors” names."),
    "study-file": Kind(422, "The file is not valid", "Mend the file where “line” and “field” say."),
    "key-reused": Kind(422, "The key was used before", "Choose a new Idempotency-Key for a new request."),
    "rate-limit": Kind(429, "Too many requests", "Wait as many seconds as Retry-After says."),
    "internal": Kind(500, "Something broke here", "Tell whoever runs the site; its log says more."),
}
"""By the word that ends the problem's type."""


class ProblemError(Exception):
    """Something that a request is refused for."""

    def __init__(self, kind: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more


def problem(kind: str, detail: str, **more: Any) -> HttpResponse:
    """Return the answer for a problem; ``more`` stands beside the members that every problem has."""
    known = KINDS[kind]
    body = {
        "type": f"{DOCS}#{kind}",
        "title": known.title,
        "status": known.status,
        "detail": detail,
        **more,
    }
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), content_type=MEDIA_TYPE, status=known.status
    )
    if "retry_after" in more:
        response["Retry-After"] = str(more["retry_after"])
    if known.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="Evenhand"'
    return response
