"""What somebody sees whose form came without its token: annotators in their language."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views import csrf


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say kindly that the page was too old, and lead an annotator back to where they were."""
    match = request.resolver_match
    if match is None or not match.view_name.startswith("studies:annotate-"):
        return csrf.csrf_failure(request, reason=reason, template_name="403_csrf.html")
    with translation.override(translation.get_language_from_request(request)):
        start = reverse("studies:annotate-start", kwargs=match.kwargs)
        return render(request, "annotate/stale.html", {"start": start}, status=403)
