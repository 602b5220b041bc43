"""What can go wrong with a call, told apart by what helps: trying again, another prompt, or a person."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import openai

from generation.endpoint.address import NO_KEY, Endpoint

_SAID = 300
_SERVER_ERROR = 500


class Helps(StrEnum):
    """What would help."""

    AGAIN = "again"
    """The same call, a little later."""
    ANOTHER = "another"
    """Nothing for this completion; others are not concerned."""
    PERSON = "person"
    """Somebody who changes something: every call would come to the same."""


class Fault(Exception):  # noqa: N818 - a server's fault, not this program's
    """A call that brought no completion."""

    def __init__(self, helps: Helps, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.helps, self.reason = helps, reason
        self.wait = wait
        """Seconds that the server asked to be left alone for."""


def unanswered(error: openai.APIConnectionError | TimeoutError, endpoint: Endpoint) -> Fault:
    """Return the fault of a call that no complete answer came to."""
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Fault(Helps.AGAIN, f"no answer within {endpoint.timeout_seconds} s")
    told = error.__cause__ or error
    return Fault(Helps.AGAIN, f"the connection failed ({type(told).__name__}: {_short(told)})")


def answered(error: openai.APIStatusError, endpoint: Endpoint, *, plain: bool) -> Fault:
    """Return the fault behind a status. ``plain``: the prompt was a plain text, sent to /completions."""
    status, said = error.status_code, _said(error)
    told = f"it answered {status} {_phrase(status)}".rstrip() + (f": {said}" if said else "")
    if status in _FOR_A_PERSON:
        advice = _FOR_A_PERSON[status].format(e=endpoint, key=_key_words(endpoint))
        return Fault(Helps.PERSON, f"{advice} ({told})")
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(error, endpoint, told, plain=plain)
    if error.code == "insufficient_quota":
        return Fault(Helps.PERSON, f"the account behind {_key_words(endpoint)} has no quota left ({told})")
    if status in _PASSING or status >= _SERVER_ERROR:
        return Fault(Helps.AGAIN, told, wait=retry_after(error.response.headers))
    if status < HTTPStatus.BAD_REQUEST:
        return Fault(Helps.PERSON, f"base_url leads elsewhere: write the final address ({told})")
    hint = "; if the server takes no seed, write “seed: false” under endpoint" if "seed" in said else ""
    return Fault(Helps.ANOTHER, f"it refused the request{hint} ({told})")


_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_FOR_A_PERSON: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "it does not accept {key}: set another, start the worker again and retry",
    HTTPStatus.PAYMENT_REQUIRED: "the account behind {key} cannot pay",
    HTTPStatus.FORBIDDEN: "{key} may not use {e.model} here",
    HTTPStatus.METHOD_NOT_ALLOWED: "this is no such server: check base_url, which often ends in /v1",
}


def _not_found(error: openai.APIStatusError, endpoint: Endpoint, told: str, *, plain: bool) -> Fault:
    """A server may have chat and no plain completions; then conversations can still be written."""
    if plain and error.code != "model_not_found":
        reason = "it knows no such model, or has no /completions, which plain prompts need"
        return Fault(Helps.ANOTHER, f"{reason} ({told})")
    reason = f"it knows no model “{endpoint.model}”, or base_url is not right: it often ends in /v1"
    return Fault(Helps.PERSON, f"{reason} ({told})")


def _key_words(endpoint: Endpoint) -> str:
    return "being called without a key" if endpoint.key_env == NO_KEY else f"the key in {endpoint.key_env}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds a server asks to be left alone; None when it does not say."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _said(error: openai.APIStatusError) -> str:
    """Return the server's own words, from the places where servers put them."""
    body: Any = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body.get("error") or body
    return _short(body)


def _short(said: object) -> str:
    words = " ".join(str(said or "").split())
    return words if len(words) <= _SAID else f"{words[:_SAID]}…"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
