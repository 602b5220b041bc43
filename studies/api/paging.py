"""Lists in pages, with links to the next and the previous one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

Item = TypeVar("Item")


class PageQuery(Schema):
    """Which page, and how long."""

    page: int = Field(1, ge=1, le=1_000_000)
    per_page: int = Field(50, ge=1, le=200)

    @property
    def window(self) -> slice:
        """The rows of the page."""
        return slice((self.page - 1) * self.per_page, self.page * self.per_page)


class Page(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    count: int
    page: int
    pages: int
    next: str | None
    previous: str | None


def paged(
    request: HttpRequest,
    response: HttpResponse,
    query: PageQuery,
    rows: Sequence[Any] | QuerySet[Any, Any],
    make: Callable[[list[Any]], list[Any]],
) -> dict[str, Any]:
    """Return one page of ``rows``, each turned by ``make`` (all of the page at once)."""
    count = rows.count() if isinstance(rows, QuerySet) else len(rows)
    return page_of(request, response, query, make(list(rows[query.window])), count)


def page_of(
    request: HttpRequest, response: HttpResponse, query: PageQuery, items: list[Any], count: int
) -> dict[str, Any]:
    """Return a page whose rows are there already; the Link header says what the links say."""
    pages = max(1, ceil(count / query.per_page))
    links = {
        "next": _link(request, query.page + 1) if query.page < pages else None,
        "previous": _link(request, min(query.page - 1, pages)) if query.page > 1 else None,
    }
    told = [f'<{link}>; rel="{"prev" if rel == "previous" else rel}"' for rel, link in links.items() if link]
    if told:
        response["Link"] = ", ".join(told)
    return {"items": items, "count": count, "page": query.page, "pages": pages, **links}


def _link(request: HttpRequest, page: int) -> str:
    wanted = request.GET.copy()
    wanted["page"] = str(page)
    return f"{settings.SITE_URL}{request.path}?{wanted.urlencode()}"
