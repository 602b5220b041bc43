"""What recruiting sites write into the link: Prolific's parameters, and those of MTurk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""What MTurk calls the assignment of somebody who only looks."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_PERSON = ("PROLIFIC_PID", "workerId", "external_id")
_VISIT = ("SESSION_ID", "assignmentId")
_HAND_IN = "/mturk/externalSubmit"


@dataclass(frozen=True, slots=True)
class Recruit:
    """Who comes, as the site that sent them says."""

    external_id: str | None
    """Empty when the site gave none; None when it cannot be used."""
    session_id: str
    """The site's word for this visit."""
    submit_to: str
    """Where the site is told that somebody is done; empty unless its host is one of those allowed."""
    previewing: bool


def recruit(given: Mapping[str, str]) -> Recruit:
    """Read the parameters of a link. Only the hosts in `EVENHAND_SUBMIT_HOSTS` are ever posted to."""
    session_id = _first(given, _VISIT)
    return Recruit(
        external_id=_usable(_first(given, _PERSON)),
        session_id=_usable(session_id) or "",
        submit_to=_hand_in(given.get("turkSubmitTo", "")),
        previewing=session_id == PREVIEW,
    )


def _first(given: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next(filter(None, (given.get(name, "").strip() for name in names)), "")


def _usable(raw: str) -> str | None:
    return None if raw and not _ID.fullmatch(raw) else raw


def _hand_in(base: str) -> str:
    """Return the address that takes the post, on an allowed host and by TLS."""
    try:
        parts = urlsplit(base)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or host not in settings.SUBMIT_HOSTS or port not in (None, 443):
        return ""
    return f"https://{host}{_HAND_IN}"
