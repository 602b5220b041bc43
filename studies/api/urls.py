"""The addresses of the API."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from studies.api import (
    annotators,
    document,
    editor,
    members,
    notices,
    pairs,
    planner,
    prompts,
    results,
    site,
    steering,
    trial,
    watching,
)
from studies.api import studies as study_routes
from studies.api.callers import ByToken
from studies.api.gate import gated, refusal
from studies.api.problems import ProblemError, problem
from studies.domain.access import AccessDeniedError
from studies.domain.errors import PlanFrozenError, StudyError
from studies.files.completions import CompletionsError
from studies.files.editing import SectionError
from studies.files.errors import StudyFileError
from studies.reports.errors import ReportError

_WRONG = 1_000
"""Lines to mend that are told."""
api = NinjaAPI(
    title="Evenhand",
    version="1",
    description="Blinded human preference studies of language-model decoding. docs/api.md is the manual.",
    openapi_url=None,
    docs_url=None,
    auth=ByToken(),
    urls_namespace="api",
)
for _routes in (
    study_routes,
    editor,
    prompts,
    planner,
    pairs,
    watching,
    annotators,
    results,
    steering,
    trial,
    notices,
    members,
    site,
):
    api.add_router("", _routes.router)


def on_error(_request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Answer any error as a problem."""
    match error:
        case AuthenticationError():
            return problem("unauthenticated", "This takes a token.")
        case Http404():
            return problem("not-found", str(error) or "There is nothing of that name here.")
        case ValidationError():
            errors = [_wrong(one) for one in error.errors]
            return problem("invalid", "Some values will not do.", errors=errors)
        case HttpError():
            return problem("bad-request", str(error))
    assert isinstance(error, Exception)  # noqa: S101 - the library names classes too, and sends none
    return refusal(error)


def on_refused(_request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Answer what the domain refuses."""
    match error:
        case AccessDeniedError():
            return problem("forbidden", str(error), ability=error.ability.value)
        case SectionError():
            errors = [{"in": "body", "field": one.field, "detail": one.problem} for one in error.problems]
            return problem("invalid", str(error), errors=errors)
        case StudyFileError():
            where = {"file": error.name, "line": error.line, "field": error.field, "problem": error.problem}
            lines = error.wrong[:_WRONG] if isinstance(error, CompletionsError) else []
            told = [{"in": "body", "field": f"line {line}", "detail": said} for line, said in lines]
            return problem("study-file", str(error), **where, **({"errors": told} if told else {}))
        case ReportError():
            return problem("blinded", str(error))
        case PlanFrozenError():
            return problem("plan-frozen", str(error))
    return problem("conflict", str(error))


for _kind in (Exception, Http404, HttpError, ValidationError):
    # The library has handlers of its own for the narrower ones, which would come first.
    api.add_exception_handler(_kind, on_error)
for _refused in (AccessDeniedError, StudyError):
    api.add_exception_handler(_refused, on_refused)


def _wrong(one: dict[str, Any]) -> dict[str, str]:
    where = [str(part) for part in one["loc"]]
    return {"in": where[0], "field": ".".join(where[1:]), "detail": str(one["msg"])}


def _nothing(_request: HttpRequest, **_address: str) -> HttpResponse:
    raise ProblemError("not-found", "There is no such address in the API; /api/v1/docs lists them.")


def _patterns() -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = [
        path("openapi.json", gated(document.openapi), name="openapi"),
        path("docs", gated(document.docs), name="docs"),
    ]
    found += [
        path(str(pattern.pattern), gated(pattern.callback), name=pattern.name)
        for pattern in api.urls[0]
        if isinstance(pattern, URLPattern) and pattern.name != "api-root"
    ]
    # Whatever else is below, line breaks included.
    return [*found, re_path(r"[\s\S]*", gated(_nothing), name="nothing")]


api_patterns = _patterns()
