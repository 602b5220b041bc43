"""Links that invite: made once, shown once, taken once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from studies.domain.audit import record_event, sha256
from studies.domain.errors import StudyError
from studies.domain.members import add_member
from studies.enums import Role
from studies.models import Invitation, Study

DAYS = (1, 7, 30)
"""How long a link may last."""


class InvitationError(StudyError):
    """A link that makes nobody a member any more, or never did."""


@transaction.atomic
def invite(
    *, study: Study | None, role: Role | None, by: User, days: int = 7, note: str = ""
) -> tuple[Invitation, str]:
    """Make a link; return it with its secret, which is nowhere else and cannot be had again."""
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        token_hash=sha256(token),
        study=study,
        role=role.value if role else "",
        note=note,
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    _log(invitation, "invitation.made", actor=by.get_username())
    return invitation, token


def open_invitations(study: Study | None) -> QuerySet[Invitation]:
    """Return the links to ``study`` (or to the site alone) that can still be taken."""
    return Invitation.objects.filter(_open(), study=study).select_related("created_by")


def join_link(token: str) -> str:
    """Return the address that an invitation is sent as."""
    return f"{settings.SITE_URL}/join/{token}/"


def find_invitation(token: str) -> Invitation:
    """Return the invitation of a link's secret, or say why it cannot be taken."""
    invitation = (
        Invitation.objects.select_related("study", "created_by").filter(token_hash=sha256(token)).first()
    )
    if invitation is None:
        raise InvitationError(gettext("This link is not known. It may have lost its end when it was copied."))
    if invitation.accepted_at:
        raise InvitationError(gettext("This link has been used: each is for one person."))
    if invitation.revoked_at:
        raise InvitationError(gettext("This link was withdrawn."))
    if invitation.expires_at <= timezone.now():
        raise InvitationError(gettext("This link has run out."))
    return invitation


@transaction.atomic
def accept(*, token: str, user: User) -> Invitation:
    """Make ``user`` a member by a link. Of two who come at once, one gets it."""
    invitation = find_invitation(token)
    taken = Invitation.objects.filter(_open(), pk=invitation.pk).update(
        accepted_by=user, accepted_at=timezone.now()
    )
    if not taken:
        raise InvitationError(gettext("Somebody else used this link just now."))
    _log(invitation, "invitation.accepted", actor=user.get_username())
    if invitation.study is not None:
        add_member(study=invitation.study, user=user, role=Role(invitation.role), actor=user.get_username())
    return invitation


@transaction.atomic
def revoke(*, invitation: Invitation, actor: str) -> None:
    """Withdraw a link that nobody has taken."""
    if not Invitation.objects.filter(_open(), pk=invitation.pk).update(revoked_at=timezone.now()):
        raise InvitationError(
            gettext("This link has been used or has run out, so there is nothing to withdraw.")
        )
    _log(invitation, "invitation.revoked", actor=actor)


def _open() -> Q:
    return Q(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


def _log(invitation: Invitation, action: str, *, actor: str) -> None:
    after = {"invitation": invitation.pk, "role": invitation.role, "note": invitation.note}
    record_event(actor=actor, action=action, study=invitation.study, after=after)
