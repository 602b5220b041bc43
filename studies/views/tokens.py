"""One's own tokens for programs: the list, a new one with its secret, shown once, and withdrawing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain.errors import StudyError
from studies.domain.tokens import make_token, revoke_token, tokens_of
from studies.forms.tokens import TokenForm
from studies.models import ApiToken
from studies.views.access import signed_in
from studies.views.common import actor_of


def _own(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the gate asked to log in
    return request.user


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens; make one and show its secret, once."""
    user = _own(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    status = 422 if form.is_bound else 200
    if form.is_valid():
        token, secret = make_token(user=user, actor=actor_of(request), **form.cleaned_data)
        context, status = {"form": TokenForm(), "made": token, "secret": secret}, 201
    context |= {"section": "account", "tokens": tokens_of(user), "now": timezone.now()}
    return render(request, "dashboard/tokens.html", context, status=status)


@require_POST
@signed_in
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw one of one's own tokens."""
    token = get_object_or_404(ApiToken, pk=pk, user=_own(request))
    try:
        revoke_token(token=token, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("The token “%(name)s” is withdrawn: nothing gets in by it.") % {"name": token.name},
        )
    return redirect("studies:tokens")
