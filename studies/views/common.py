"""What the dashboard's pages share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from studies.domain.audit import record_event
from studies.models import Study

Row = TypeVar("Row")


def actor_of(request: HttpRequest) -> str:
    """Return the name that the log keeps."""
    return request.user.get_username()


def page_of(rows: Sequence[Row] | QuerySet[Any, Row], request: HttpRequest, size: int) -> Page[Row]:
    """Return the page that the address asks for; the nearest one when there is no such page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def refuse(request: HttpRequest, study: Study, *, title: str, reason: str) -> HttpResponse:
    """Say why something cannot be had, and what would change that."""
    context = {"study": study, "title": title, "reason": reason}
    return render(request, "dashboard/refused.html", context, status=403)


def note_download(request: HttpRequest, study: Study, name: str) -> None:
    """Keep in the log who took what out; looking whether it is there takes nothing."""
    if request.method == "GET":
        record_event(actor=actor_of(request), action="file.downloaded", study=study, after={"file": name})
