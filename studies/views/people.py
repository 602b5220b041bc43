"""The accounts of the site, for its administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.plugins.otp_totp.models import TOTPDevice

from studies.domain import accounts, invitations
from studies.domain.errors import StudyError
from studies.forms.members import SiteInvitationForm
from studies.models import Invitation
from studies.views.access import administrators_only
from studies.views.common import actor_of, page_of

_PER_PAGE = 50
ACTIONS: dict[str, tuple[Callable[..., None], str]] = {
    "deactivate": (accounts.deactivate, _("{} can no longer log in.")),
    "reactivate": (accounts.reactivate, _("{} can log in again.")),
    "promote": (accounts.promote, _("{} is an administrator now.")),
    "demote": (accounts.demote, _("{} is no administrator any more.")),
    "release": (accounts.release, _("{} may try their password again.")),
    "no-second-factor": (accounts.remove_second_factor, _("{} logs in with the password alone now.")),
}


@require_http_methods(["GET", "HEAD", "POST"])
@administrators_only
def people(request: HttpRequest) -> HttpResponse:
    """List the accounts; make an invitation and show its link, once."""
    form = SiteInvitationForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    status = 422 if form.is_bound else 200
    if form.is_valid():
        assert isinstance(request.user, User)  # noqa: S101 - the gate asked to log in
        made, token = invitations.invite(study=None, role=None, by=request.user, **form.cleaned_data)
        link = invitations.join_link(token)
        context, status = {"form": SiteInvitationForm(), "made": made, "link": link}, 201
    return _page(request, context, status)


def _page(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    page = page_of(User.objects.order_by("username"), request, _PER_PAGE)
    context |= {
        "page": page,
        "section": "people",
        "guarded": set(TOTPDevice.objects.filter(confirmed=True).values_list("user", flat=True)),
        "invitations": invitations.open_invitations(None),
    }
    return render(request, "dashboard/people.html", context, status=status)


@require_POST
@administrators_only
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Do one thing to one account."""
    if name not in ACTIONS:
        message = gettext("There is no such action.")
        raise Http404(message)
    verb, done = ACTIONS[name]
    person = get_object_or_404(User, pk=pk)
    try:
        verb(person, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext(done).format(person.get_username()))
    return redirect("studies:people")


@require_POST
@administrators_only
def reset_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a link by which somebody chooses a new password, and show it once."""
    person = get_object_or_404(User, pk=pk, is_active=True)
    accounts.note(person, "reset_link_made", actor=actor_of(request))
    link = settings.SITE_URL + reverse("password_reset_confirm", args=accounts.reset_parts(person))
    return _page(request, {"form": SiteInvitationForm(), "reset": link, "person": person}, 201)


@require_POST
@administrators_only
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a link that nobody has taken."""
    try:
        found = get_object_or_404(Invitation, study=None, pk=pk)
        invitations.revoke(invitation=found, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The link is withdrawn: nobody can use it any more."))
    return redirect("studies:people")
