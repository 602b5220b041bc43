"""The gate of the dashboard: every view of a study names the ability that it takes.

Whoever is not logged in is asked to. A study that one has no part in is not found, as if there were
none of that name. A part that lacks the ability gets a page that says who to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRefresh

from studies.domain.access import AccessDeniedError, abilities_of, visible_studies, who_can
from studies.domain.lifecycle import settle
from studies.enums import Ability
from studies.models import Study

View = Callable[..., HttpResponseBase]


def study_view(ability: Ability) -> Callable[[View], View]:
    """Hand a view its study, as it stands now, instead of the address's ``slug``, if that is allowed."""

    def decorate(view: View) -> View:
        @wraps(view)
        def gate(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _log_in(request)
            return view(request, find_study(request, slug, ability), *args, **kwargs)

        return gate

    return decorate


def signed_in(view: View) -> View:
    """Ask to log in; any account will do."""

    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else _log_in(request)

    return gate


def administrators_only(view: View) -> View:
    """Let nobody in but the site's administrators."""

    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _log_in(request)
        if not request.user.is_superuser:
            message = gettext("Only the site’s administrators can see this page.")
            raise PermissionDenied(message)
        return view(request, *args, **kwargs)

    return gate


def find_study(request: HttpRequest, slug: str, ability: Ability) -> Study:
    """Return the study as it stands now, if the visitor may do this in it."""
    study = visible_studies(request.user).filter(slug=slug).first()
    if study is None:
        message = gettext("There is no such study.")
        raise Http404(message)
    require(request, study, ability)
    return settle(study)


def require(request: HttpRequest, study: Study, ability: Ability) -> None:
    """Refuse what the visitor may not do in ``study``; templates read ``request.abilities``."""
    request.abilities = abilities_of(request.user, study)  # type: ignore[attr-defined]
    if ability not in request.abilities:  # type: ignore[attr-defined]
        raise AccessDeniedError(study, ability)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what is not allowed and who could do it: the site's page for status 403."""
    context: dict[str, Any] = {"reason": str(exception)}
    if isinstance(exception, AccessDeniedError):
        context |= {
            "study": exception.study,
            "members": who_can(exception.study, exception.ability),
            "administrators": User.objects.filter(is_superuser=True, is_active=True).order_by("pk")[:3],
        }
    return render(request, "403.html", context, status=403)


def _log_in(request: HttpRequest) -> HttpResponseBase:
    """Ask to log in; a part that refreshes itself reloads its page, which asks in its turn."""
    if request.headers.get("HX-Request"):
        return HttpResponseClientRefresh()
    return redirect_to_login(request.get_full_path())
