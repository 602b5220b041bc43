"""What every request of the API passes: who calls, how often, again or not, and what its answer carries."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from studies.api.callers import SAFE, Caller, identify, refuse_over
from studies.api.problems import ProblemError, problem
from studies.domain import repeats
from studies.domain.limits import Use, use

View = Callable[..., HttpResponseBase]
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_log = logging.getLogger(__name__)


def gated(view: View) -> View:
    """Let a request pass, or refuse it; whatever happens, the answer is the API's own."""

    @csrf_exempt
    @wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "HEAD":
            return _headers(request, lambda: enter(request, *args, **kwargs))
        spent = Use()
        try:
            caller = identify(request)
            if caller is not None:
                request.caller = caller  # type: ignore[attr-defined]
                spent = use("api", caller.counted_as)
                refuse_over(spent)
            response = _answer(request, caller, lambda: view(request, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a program is told in its own form, whatever it was
            response = refusal(error)
        return _finished(request, response, spent)

    return enter


def _headers(request: HttpRequest, ask: View) -> HttpResponse:
    """Answer HEAD as GET would be, without its body; looking takes nothing out, so the log has nothing."""
    request.method = "GET"
    with transaction.atomic():
        found = ask()
        transaction.set_rollback(True)
    answer = HttpResponse(status=found.status_code, headers=found.headers)
    found.close()
    return answer


def refusal(error: Exception) -> HttpResponse:
    """Return the answer for an error that no operation has an answer for."""
    match error:
        case ProblemError():
            return problem(error.kind, error.detail, **error.more)
        case RequestDataTooBig():
            return problem("too-large", "At most 10 MB are read in one request of this kind.")
        case SuspiciousOperation() | MultiPartParserError():
            return problem("bad-request", str(error) or "The request cannot be read.")
    _log.error("a request of the API failed", exc_info=error)
    return problem("internal", "The request failed; nothing was changed by it.")


def _answer(request: HttpRequest, caller: Caller | None, view: Callable[[], HttpResponseBase]) -> Any:
    key = request.headers.get("Idempotency-Key")
    if key is not None and caller is not None and request.method == "POST":
        return _answer_once(request, caller, key, view)
    # With a condition, looking and changing are one step.
    conditional = request.method not in SAFE and "If-Match" in request.headers
    with transaction.atomic() if conditional else nullcontext():
        response = view()
        if conditional and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            transaction.set_rollback(True)
    return response


def _answer_once(
    request: HttpRequest, caller: Caller, key: str, view: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Do a request once for each key, and answer it alike for a day; what broke may be tried again."""
    if not _KEY.fullmatch(key):
        raise ProblemError("bad-request", "An Idempotency-Key is 1 to 200 visible ASCII characters.")
    said = "\n".join([request.method or "", request.get_full_path(), request.content_type or "", ""])
    request_hash = hashlib.sha256(said.encode() + request.body).hexdigest()
    with transaction.atomic():
        try:
            kept, before = repeats.claim(user=caller.user, key=key, request_hash=request_hash)
        except repeats.KeyReusedError as error:
            raise ProblemError("key-reused", str(error)) from error
        if before is not None:
            again = HttpResponse(before.body, status=before.status, headers=before.headers)
            again["Idempotency-Replayed"] = "true"
            return again
        response = view()
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(response, HttpResponse):
            transaction.set_rollback(True)
        else:
            headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
            repeats.keep(kept, repeats.Answer(response.status_code, headers, response.content))
    return response


def _finished(request: HttpRequest, response: HttpResponseBase, spent: Use) -> HttpResponseBase:
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = response["Allow"]
        response = problem("method", f"{request.method} is not known here; {allowed} is.")
        response["Allow"] = allowed
    fresh = request.method == "GET" and response.status_code == HTTPStatus.OK
    if fresh and isinstance(response, HttpResponse):
        response = _conditional(request, response)
    if spent.limit:
        response["RateLimit-Limit"] = str(spent.limit)
        response["RateLimit-Remaining"] = str(spent.left)
        response["RateLimit-Reset"] = str(spent.reset)
    response.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return response


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Answer 304 to whoever has this answer already."""
    if "ETag" not in response:
        response["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    found = get_conditional_response(request, etag=response["ETag"], response=response)
    if found is not None and found.status_code == HTTPStatus.PRECONDITION_FAILED:
        return problem("changed", "It is not as If-Match says.")
    return found or response
