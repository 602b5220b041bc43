"""Taking an invitation: with the account that one has, or with a new one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from studies.domain import accounts
from studies.domain.invitations import InvitationError, accept, find_invitation
from studies.forms.members import AccountForm
from studies.models import Invitation

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Say what the link is for; take it, making an account first for whoever has none."""
    try:
        invitation = find_invitation(token)
        if isinstance(request.user, User):
            return _with_account(request, invitation, token)
        return _without_account(request, invitation, token)
    except InvitationError as error:
        reason = f"{error} {gettext('Ask whoever sent it for a new one.')}"
        return render(request, "dashboard/join_not.html", {"reason": reason}, status=410)


def _with_account(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "dashboard/join.html", {"invitation": invitation})
    assert isinstance(request.user, User)  # noqa: S101 - the caller looked
    return _joined(request, accept(token=token, user=request.user))


def _without_account(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    form = AccountForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"invitation": invitation, "form": form}
        return render(request, "dashboard/join.html", context, status=422 if form.is_bound else 200)
    with transaction.atomic():
        user = form.save()
        taken = accept(token=token, user=user)
    login(request, user, backend=_BACKEND)
    accounts.note(user, "made", actor=user.get_username())
    return _joined(request, taken)


def _joined(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if invitation.study is None:
        messages.success(request, gettext("Welcome. Import a study file to begin a study of your own."))
        return redirect("studies:list")
    messages.success(request, gettext("You are a member of this study now."))
    return redirect("studies:study", invitation.study.slug)
