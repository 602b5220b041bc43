"""Pages for what went wrong: a form without its token, no such page, an error."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import csrf


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say kindly that the page was too old, and lead an annotator back to where they were."""
    match = request.resolver_match
    if match is None or not match.view_name.startswith("studies:annotate-"):
        return csrf.csrf_failure(request, reason=reason, template_name="403_csrf.html")
    start = reverse("studies:annotate-start", kwargs=match.kwargs)
    return render(request, "annotate/stale.html", {"start": start}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that there is nothing here: the site's page for status 404."""
    return _said(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that the site made an error: its page for status 500."""
    return _said(request, "500.html", status=500)


def _said(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    language = translation.get_language_from_request(request)
    with translation.override(language):
        # Without the request: who is logged in may be just what cannot be told any more.
        response = HttpResponse(render_to_string(template), status=status)
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response
