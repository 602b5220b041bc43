"""Joining a study, changing roles, leaving: each is logged, and a study keeps an owner."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import Role
from studies.models import Membership, Study


@transaction.atomic
def add_member(*, study: Study, user: User, role: Role, actor: str) -> Membership:
    """Give ``user`` a role in ``study``; whoever has one already keeps it."""
    member, made = Membership.objects.get_or_create(study=study, user=user, defaults={"role": role})
    if made:
        after = {"member": user.get_username(), "role": role.value}
        record_event(actor=actor, action="member.added", study=study, after=after)
    return member


@transaction.atomic
def change_role(*, member: Membership, role: Role, actor: str) -> Membership:
    """Make a member something else."""
    member = _held(member)
    before = Role(member.role)
    if role is before:
        return member
    _keep_an_owner(member, _("given another role"))
    member.role = role
    member.save(update_fields=["role"])
    name = member.user.get_username()
    record_event(
        actor=actor,
        action="member.role_changed",
        study=member.study,
        before={"member": name, "role": before.value},
        after={"member": name, "role": role.value},
    )
    return member


@transaction.atomic
def remove_member(*, member: Membership, actor: str) -> None:
    """Take somebody's part in a study away."""
    member = _held(member)
    _keep_an_owner(member, _("removed"))
    before = {"member": member.user.get_username(), "role": member.role}
    study = member.study
    member.delete()
    record_event(actor=actor, action="member.removed", study=study, before=before)


def _held(member: Membership) -> Membership:
    """Read a membership anew under its study's lock: two owners cannot remove each other at once."""
    Study.objects.select_for_update().get(pk=member.study_id)
    held = Membership.objects.select_related("study", "user").filter(pk=member.pk).first()
    if held is None:
        message = gettext("This member is gone already: somebody else removed them. Reload the page.")
        raise StudyError(message)
    return held


def _keep_an_owner(member: Membership, verb: str) -> None:
    owners = Membership.objects.filter(study=member.study, role=Role.OWNER, user__is_active=True)
    if member.role == Role.OWNER and not owners.exclude(pk=member.pk).exists():
        name = member.user.get_username()
        message = gettext(
            "%(name)s is the only owner, so they cannot be %(verb)s: make somebody else an owner first."
        ) % {"name": name, "verb": gettext(verb)}
        raise StudyError(message)
