"""The OpenAPI document, with what every operation has in common, and a plain page of it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.api.problems import KINDS, MEDIA_TYPE
from studies.enums import Scope
from studies.reports.render import FORMATS

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": f"Ends in one of: {', '.join(KINDS)}."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_HEADERS = {
    "Idempotency-Key": (
        {"post"},
        "Your word for this request, such as a UUID: sent again within a day, it is done only once.",
    ),
    "If-Match": (
        {"post", "put", "patch", "delete"},
        "The ETag of the study, or of the part that is changed: refused with 412 if it has changed.",
    ),
    "If-None-Match": ({"get"}, "The ETag of an answer that you have: 304 if it is still the same."),
}
_FILES: dict[str, tuple[str, ...]] = {
    "read_study_file": ("application/yaml",),
    "read_preregistration": ("text/markdown",),
    "read_log_file": ("text/csv", "application/jsonl"),
    "read_annotators_file": ("text/csv",),
    "read_survey": ("text/csv",),
    "read_judgments": ("text/csv",),
    "read_report_file": tuple({face.content_type.partition(";")[0]: None for face in FORMATS.values()}),
    "export_everything": ("application/zip",),
    "read_preferences": ("application/octet-stream",),
}
"""The content types of what is no JSON."""


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    from studies.api.urls import api  # noqa: PLC0415 - the document is a route of the API that it describes

    found: dict[str, Any] = json.loads(
        json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str)
    )
    found["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    answer = {
        "description": "A problem.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in found["paths"].values():
        for method, operation in operations.items():
            operation["responses"]["4XX"] = answer
            if operation["operationId"] in _FILES:
                kinds = _FILES[operation["operationId"]]
                operation["responses"]["200"]["content"] = {kind: {} for kind in kinds}
            if method == "get":
                operation["responses"]["304"] = {"description": "As you have it already."}
            operation.setdefault("parameters", []).extend(_parameters(method))
    return found


def _parameters(method: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": told,
            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        }
        for name, (methods, told) in _HEADERS.items()
        if method in methods
    ]


@require_safe
def openapi(_request: HttpRequest) -> HttpResponse:
    """Send the document."""
    return HttpResponse(json.dumps(document(), ensure_ascii=False), content_type="application/json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """List the operations, the scopes and the problems on a page that needs nothing from elsewhere."""
    groups: dict[str, list[dict[str, str]]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            entry = {
                "method": method.upper(),
                "path": path,
                "name": operation["operationId"],
                "told": " ".join(operation["description"].replace("`", "").split()),
            }
            groups.setdefault(operation["tags"][0], []).append(entry)
    context = {"section": "api", "groups": groups, "scopes": Scope.choices, "problems": KINDS}
    return render(request, "api/docs.html", context)
