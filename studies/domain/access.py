"""The one place that decides who may do what. `docs/roles.md` has its table in words.

Roles say who may look at all; when results may be seen is the study's affair (`Study.unblinded`), and
binds everybody alike, the owner and the site's administrators included.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils.translation import gettext

from studies.enums import Ability, Role
from studies.models import Membership, Study

Visitor = User | AnonymousUser

_MONITOR = frozenset({Ability.SEE_PROGRESS, Ability.SEE_MEMBERS})
_ANALYST = _MONITOR | {
    Ability.SEE_DESIGN,
    Ability.SEE_PAIRS,
    Ability.SEE_ANNOTATORS,
    Ability.SEE_LOG,
    Ability.SEE_RESULTS,
    Ability.EXPORT,
}
_EDITOR = _ANALYST | {
    Ability.EDIT,
    Ability.TRY_OUT,
    Ability.GENERATE,
    Ability.CONDUCT,
    Ability.EXCLUDE,
    Ability.SEE_PERSONAL,
}
ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.OWNER: frozenset(Ability),
    Role.EDITOR: _EDITOR,
    Role.ANALYST: _ANALYST,
    Role.MONITOR: _MONITOR,
}
"""What each role may do. The site's administrator may do in every study what its owner may."""


class AccessDeniedError(PermissionDenied):
    """Somebody may see a study, but not do this in it."""

    def __init__(self, study: Study, ability: Ability) -> None:
        super().__init__(gettext("You may not %(label)s.") % {"label": gettext(ability.label)})
        self.study = study
        self.ability = ability


def role_in(user: Visitor, study: Study) -> Role | None:
    """Return what ``user`` is in ``study``: a site administrator counts as owner, a stranger is None."""
    if not user.is_active or not user.is_authenticated:
        return None
    if user.is_superuser:
        return Role.OWNER
    held = Membership.objects.filter(study=study, user=user).values_list("role", flat=True).first()
    return Role(held) if held else None


def abilities_of(user: Visitor, study: Study) -> frozenset[Ability]:
    """Return all that ``user`` may do in ``study``: nothing at all means that it is not even there."""
    role = role_in(user, study)
    return ABILITIES[role] if role else frozenset()


def allowed(user: Visitor, study: Study, ability: Ability) -> bool:
    """Return whether ``user`` may do this in ``study``."""
    return ability in abilities_of(user, study)


def visible_studies(user: Visitor) -> QuerySet[Study]:
    """Return the studies that ``user`` has a part in; all of them for a site administrator."""
    if not user.is_active or not user.is_authenticated:
        return Study.objects.none()
    if user.is_superuser:
        return Study.objects.all()
    return Study.objects.filter(memberships__user=user)


def who_can(study: Study, ability: Ability) -> list[Membership]:
    """Return the members who may do this, owners first: the people to ask."""
    roles = [role for role in Role if ability in ABILITIES[role]]
    members = Membership.objects.filter(study=study, role__in=roles, user__is_active=True)
    return sorted(
        members.select_related("user"), key=lambda member: (roles.index(Role(member.role)), member.pk)
    )
