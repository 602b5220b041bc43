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
    upto: int | None = Field(
        None,
        ge=1,
        le=2**63 - 1,
        description="As the links carry it: what came since the first page is left out.",
    )

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
    *,
    pk: Callable[[Any], int] | None = None,
) -> dict[str, Any]:
    """Return one page of ``rows``, each turned by ``make`` (all of the page at once).

    Where new rows do not come last (a query with the latest first; a list whose rows have a ``pk``), the
    links leave out what came after the first page was read, so that nothing moves between pages.
    """
    if isinstance(rows, QuerySet):
        if str(next(iter(rows.query.order_by), "")).startswith("-"):
            newest = rows.order_by("-pk").values_list("pk", flat=True).first()
            query.upto = query.upto or newest
            rows = rows if query.upto is None else rows.filter(pk__lte=query.upto)
        else:
            query.upto = None
        count = rows.count()
    else:
        if pk is not None:
            query.upto = query.upto or max(map(pk, rows), default=None)
            rows = [row for row in rows if query.upto is None or pk(row) <= query.upto]
        count = len(rows)
    return page_of(request, response, query, make(list(rows[query.window])), count)


def page_of(
    request: HttpRequest, response: HttpResponse, query: PageQuery, items: list[Any], count: int
) -> dict[str, Any]:
    """Return a page whose rows are there already; the Link header says what the links say."""
    pages = max(1, ceil(count / query.per_page))
    links = {
        "next": _link(request, query, query.page + 1) if query.page < pages else None,
        "previous": _link(request, query, min(query.page - 1, pages)) if query.page > 1 else None,
    }
    told = [f'<{link}>; rel="{"prev" if rel == "previous" else rel}"' for rel, link in links.items() if link]
    if told:
        response["Link"] = ", ".join(told)
    return {"items": items, "count": count, "page": query.page, "pages": pages, **links}


def _link(request: HttpRequest, query: PageQuery, page: int) -> str:
    wanted = request.GET.copy()
    wanted["page"] = str(page)
    if query.upto is not None:
        wanted["upto"] = str(query.upto)
    return f"{settings.SITE_URL}{request.path}?{wanted.urlencode()}"
