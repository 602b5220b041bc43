"""The first page of a link inside the frame of a recruiting site: MTurk shows every task in one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_exempt

View = Callable[..., HttpResponse]


def in_frame(request: HttpRequest) -> bool:
    """Return whether the browser loads the page into a frame, as it says itself."""
    return request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def framed(view: View) -> View:
    """Let the sites in `EVENHAND_FRAME_HOSTS` show a page in a frame; it must do nothing when clicked.

    Only pages that are asked for in a frame get the permission, so that any other stays as strict.
    """
    policy = {"frame-ancestors": settings.FRAME_HOSTS}
    opened = cast("View", xframe_options_exempt(csp_replace(policy)(view)))

    @wraps(view)
    def wrapped(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        return opened(request, *args, **kwargs) if in_frame(request) else view(request, *args, **kwargs)

    return wrapped
