"""Tokens for programs: made once, shown once, checked by their hash."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from studies.domain.audit import record_event, sha256
from studies.domain.errors import StudyError
from studies.enums import Scope
from studies.models import ApiToken

DAYS = (7, 30, 90, 365)
"""How long a token may last."""
_MARK = "evenhand_"
"""Begins every secret, so that a scanner of repositories can find one that was left there."""
_SHOWN = len(_MARK) + 5
_USED_SECONDS = 60
"""A token's last use is kept to the minute: not every request writes."""


@transaction.atomic
def make_token(
    *, user: User, name: str, scopes: Collection[Scope], days: int, actor: str
) -> tuple[ApiToken, str]:
    """Make a token; return it with its secret, which is nowhere else and cannot be had again."""
    if not name.strip():
        message = gettext("A token needs a name that says what it is for.")
        raise StudyError(message)
    if not scopes:
        raise StudyError(
            gettext("A token needs a scope or more. Scopes: %(names)s.") % {"names": ", ".join(Scope.values)}
        )
    if days not in DAYS:
        raise StudyError(
            gettext("A token lasts %(names)s or %(value)s days, not %(days)s.")
            % {"names": ", ".join(map(str, DAYS[:-1])), "value": DAYS[-1], "days": days}
        )
    secret = _MARK + secrets.token_urlsafe(32)
    now = timezone.now()
    token = ApiToken.objects.create(
        user=user,
        name=name.strip()[:80],
        prefix=secret[:_SHOWN],
        token_hash=sha256(secret),
        scopes=" ".join(scope.value for scope in Scope if scope in scopes),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    _log(token, "token.made", actor=actor)
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: str) -> None:
    """Let a token in no more."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        raise StudyError(gettext("The token “%(name)s” is withdrawn already.") % {"name": token.name})
    _log(token, "token.revoked", actor=actor)


def find_token(secret: str) -> ApiToken | None:
    """Return the token of a secret, if it can be used now, and note the use."""
    now = timezone.now()
    found = ApiToken.objects.select_related("user").filter(
        token_hash=sha256(secret), revoked_at=None, expires_at__gt=now, user__is_active=True
    )
    token = found.first()
    if token is not None:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(seconds=_USED_SECONDS))
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def scopes_of(token: ApiToken) -> frozenset[Scope]:
    """Return what a token may be used for."""
    return frozenset(Scope(word) for word in token.scopes.split())


def tokens_of(user: User) -> list[ApiToken]:
    """Return the tokens of an account that are not withdrawn, the newest first; those that ended too."""
    return list(ApiToken.objects.filter(user=user, revoked_at=None))


def _log(token: ApiToken, action: str, *, actor: str) -> None:
    after = {"account": token.user.get_username(), "token": token.prefix, "name": token.name}
    after |= {"scopes": token.scopes, "expires_at": token.expires_at.isoformat()}
    record_event(actor=actor, action=action, after=after)
