"""Which language an answer is in: people's pages follow the reader, programs are answered in English."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers

_PROGRAMS = "en"
Answering = Callable[[HttpRequest], HttpResponseBase]


def spoken(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer in the language that the reader chose, or else in the first of the browser's that there is.

    The language ends with the view: what streams afterwards, files all of it, is in English.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        language = _language_for(request)
        with translation.override(language):
            response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.setdefault("Content-Language", language)
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response

    return middleware


def _language_for(request: HttpRequest) -> str:
    # What is read by programs, and compared and quoted, does not change with somebody's browser.
    documents = reverse("studies:api:docs")
    programs = request.path.startswith("/api/") and request.path != documents
    return _PROGRAMS if programs else translation.get_language_from_request(request)
