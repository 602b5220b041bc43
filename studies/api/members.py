"""Who works on a study, and what they did."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status

from studies.api.finding import caller_of, need, need_scope, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.problems import ProblemError
from studies.api.schemas import EventOut, InvitationIn, InvitationOut, MemberOut, RoleIn, Text
from studies.domain import invitations
from studies.domain.members import change_role, remove_member
from studies.enums import Ability, Scope
from studies.models import Invitation, Membership
from studies.queries import audit

router = Router(tags=["members and log"])


class EventFilter(Schema):
    """Which events."""

    actor: Text = ""
    action: Text = ""
    since: date | None = None
    until: date | None = None


class EventQuery(PageQuery, EventFilter):
    """Which events, and which page of them."""


@router.get("/studies/{slug:slug}/members", response=Page[MemberOut], operation_id="list_members")
def list_members(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List who works on a study, and as what."""
    study = study_for(request, slug, Ability.SEE_MEMBERS)
    rows = study.memberships.select_related("user").order_by("id")
    return paged(request, response, query, rows, lambda page: [_member(row) for row in page])


@router.patch("/studies/{slug:slug}/members/{int:member}", response=MemberOut, operation_id="change_role")
def set_role(request: HttpRequest, slug: str, member: int, given: RoleIn) -> Any:
    """Make a member something else; a study keeps an owner."""
    study = study_for(request, slug, Ability.MANAGE_MEMBERS)
    found = get_object_or_404(Membership, study=study, pk=member)
    return _member(change_role(member=found, role=given.role, actor=caller_of(request).name))


@router.delete(
    "/studies/{slug:slug}/members/{int:member}", response={204: None}, operation_id="remove_member"
)
def remove(request: HttpRequest, slug: str, member: int) -> Any:
    """Remove a member. Everybody may leave; owners may remove others."""
    study = study_for(request, slug, Ability.SEE_MEMBERS)
    found = get_object_or_404(Membership.objects.select_related("user"), study=study, pk=member)
    if found.user != caller_of(request).user:
        need(request, study, Ability.MANAGE_MEMBERS)
    need_scope(request, Scope.MEMBERS)
    remove_member(member=found, actor=caller_of(request).name)
    return Status(204, None)


@router.get("/studies/{slug:slug}/invitations", response=Page[InvitationOut], operation_id="list_invitations")
def list_invitations(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the links that nobody has taken, without their secrets."""
    study = study_for(request, slug, Ability.MANAGE_MEMBERS)
    rows = invitations.open_invitations(study)
    return paged(request, response, query, rows, lambda page: [_invitation(row) for row in page])


@router.post("/studies/{slug:slug}/invitations", response={201: InvitationOut}, operation_id="invite")
def invite(request: HttpRequest, slug: str, given: InvitationIn) -> Any:
    """Make a link that makes its first taker a member. It is told once, and takes no Idempotency-Key."""
    if "Idempotency-Key" in request.headers:
        raise ProblemError(
            "bad-request", "A link is told once and kept nowhere, so inviting takes no Idempotency-Key."
        )
    study = study_for(request, slug, Ability.MANAGE_MEMBERS)
    made, token = invitations.invite(
        study=study, role=given.role, by=caller_of(request).user, days=given.days, note=given.note
    )
    return Status(201, _invitation(made) | {"link": invitations.join_link(token)})


@router.delete(
    "/studies/{slug:slug}/invitations/{int:invitation}",
    response={204: None},
    operation_id="withdraw_invitation",
)
def withdraw(request: HttpRequest, slug: str, invitation: int) -> Any:
    """Withdraw a link that nobody has taken."""
    study = study_for(request, slug, Ability.MANAGE_MEMBERS)
    found = get_object_or_404(Invitation, study=study, pk=invitation)
    invitations.revoke(invitation=found, actor=caller_of(request).name)
    return Status(204, None)


@router.get("/studies/{slug:slug}/events", response=Page[EventOut], operation_id="list_events")
def list_events(request: HttpRequest, response: HttpResponse, slug: str, query: Query[EventQuery]) -> Any:
    """List what was done in a study, the latest first; the hashes chain over the whole site."""
    study = study_for(request, slug, Ability.SEE_LOG)
    rows = audit.events(study, actor=query.actor, action=query.action, since=query.since, until=query.until)
    return paged(request, response, query, rows, lambda page: [audit.told(event) for event in page])


def _member(member: Membership) -> dict[str, Any]:
    return {
        "member": member.pk,
        "name": member.user.get_username(),
        "role": member.role,
        "since": member.added_at,
    }


def _invitation(one: Invitation) -> dict[str, Any]:
    return {
        "invitation": one.pk,
        "role": one.role,
        "note": one.note,
        "created_by": one.created_by.get_username(),
        "expires_at": one.expires_at,
    }
