"""Who works on a study: the list, roles, invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain import invitations
from studies.domain.access import AccessDeniedError, allowed
from studies.domain.errors import StudyError
from studies.domain.members import change_role, remove_member
from studies.enums import Ability, Role, in_sentence
from studies.forms.members import InvitationForm, RoleForm
from studies.models import Invitation, Membership, Study
from studies.views.access import require, study_view
from studies.views.common import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_MEMBERS)
def study_members(request: HttpRequest, study: Study) -> HttpResponse:
    """List the members; for an owner, make an invitation and show its link, once."""
    context: dict[str, Any] = {"form": InvitationForm(request.POST or None)}
    status = 200
    if request.method == "POST":
        require(request, study, Ability.MANAGE_MEMBERS)
        status = 422
        if context["form"].is_valid():
            context |= _invite(request, study, context["form"].cleaned_data) | {"form": InvitationForm()}
            status = 201
    context |= {
        "study": study,
        "tab": "members",
        "members": study.memberships.select_related("user").order_by("id"),
        "roles": Role.choices,
        "invitations": invitations.open_invitations(study),
        "administrators": User.objects.filter(is_superuser=True, is_active=True).order_by("pk"),
    }
    return render(request, "dashboard/members.html", context, status=status)


def _invite(request: HttpRequest, study: Study, wanted: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(request.user, User)  # noqa: S101 - the gate asked to log in
    made, token = invitations.invite(study=study, by=request.user, **wanted)
    return {"made": made, "link": invitations.join_link(token)}


@require_POST
@study_view(Ability.MANAGE_MEMBERS)
def set_role(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Make a member something else."""
    member = get_object_or_404(Membership, study=study, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose one of the roles."))
        return redirect("studies:members", study.slug)
    try:
        member = change_role(member=member, role=Role(form.cleaned_data["role"]), actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        label = in_sentence(member.get_role_display())
        messages.success(
            request,
            gettext("%(name)s is now %(label)s of this study.")
            % {"name": member.user.get_username(), "label": label},
        )
    return redirect("studies:members", study.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_MEMBERS)
def remove(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Remove a member, asked first. Everybody may leave; owners may remove others."""
    member = get_object_or_404(Membership.objects.select_related("user"), study=study, pk=pk)
    own = member.user == request.user
    if not own and not allowed(request.user, study, Ability.MANAGE_MEMBERS):
        raise AccessDeniedError(study, Ability.MANAGE_MEMBERS)
    if request.method != "POST":
        part = "#question" if request.headers.get("HX-Request") else ""
        context = {"study": study, "member": member, "own": own}
        return render(request, f"dashboard/member_remove.html{part}", context)
    try:
        remove_member(member=member, actor=actor_of(request))
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, gettext("%(name)s is no longer a member.") % {"name": member.user.get_username()}
        )
        if own:
            return redirect("studies:list")
    return redirect("studies:members", study.slug)


@require_POST
@study_view(Ability.MANAGE_MEMBERS)
def withdraw(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Withdraw a link that nobody has taken."""
    try:
        invitations.revoke(
            invitation=get_object_or_404(Invitation, study=study, pk=pk), actor=actor_of(request)
        )
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The link is withdrawn: nobody can join by it any more."))
    return redirect("studies:members", study.slug)
