"""Who calls: a token, or the session of a browser that sends its CSRF token with every change."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from studies.api.problems import ProblemError
from studies.domain.limits import Use, address_of, use
from studies.domain.tokens import find_token, scopes_of
from studies.enums import Ability, Scope
from studies.models import ApiToken

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SCOPES: dict[Ability, Scope] = {
    Ability.SEE_PROGRESS: Scope.READ,
    Ability.SEE_MEMBERS: Scope.READ,
    Ability.SEE_DESIGN: Scope.READ,
    Ability.SEE_PAIRS: Scope.READ,
    Ability.SEE_ANNOTATORS: Scope.READ,
    Ability.SEE_LOG: Scope.READ,
    Ability.SEE_RESULTS: Scope.RESULTS,
    Ability.EXPORT: Scope.RESULTS,
    Ability.TRY_OUT: Scope.RESULTS,
    Ability.UNBLIND_EARLY: Scope.RESULTS,
    Ability.EDIT: Scope.WRITE,
    Ability.GENERATE: Scope.WRITE,
    Ability.CONDUCT: Scope.WRITE,
    Ability.EXCLUDE: Scope.WRITE,
    Ability.SEE_PERSONAL: Scope.PERSONAL,
    Ability.ERASE: Scope.PERSONAL,
    Ability.MANAGE_MEMBERS: Scope.MEMBERS,
}
"""The scope that a token needs for what its account may do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and what it may be used for here."""

    user: User
    scopes: frozenset[Scope]
    token: ApiToken | None = None

    @property
    def name(self) -> str:
        """The name that the log keeps."""
        return self.user.get_username()

    @property
    def counted_as(self) -> str:
        """Whose requests count together."""
        return f"token {self.token.pk}" if self.token else f"account {self.user.pk}"


class ApiRequest(HttpRequest):
    """A request that has come through the gate; ``caller`` is there for every operation that needs one."""

    caller: Caller


class ByToken(HttpBearer):
    """The document's word for it; the gate has looked already."""

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Return the caller; None makes it a 401."""
        return getattr(request, "caller", None)

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:  # noqa: ARG002 - the base class's signature
        """Return the same."""
        return self(request)


def identify(request: HttpRequest) -> Caller | None:
    """Return who calls; None for nobody.

    Raises
    ------
    ProblemError
        A token is wrong, or one address came with too many wrong ones, or a change by session has no
        CSRF token.
    """
    said = request.headers.get("Authorization", "")
    if said:
        return _by_token(request, said)
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    if request.method not in SAFE and check_csrf(request) is not None:
        raise ProblemError("csrf", "A change by session needs the header X-CSRFToken.")
    return Caller(user, frozenset(Scope))


def _by_token(request: HttpRequest, said: str) -> Caller:
    where = address_of(
        forwarded=request.headers.get("X-Forwarded-For", ""), remote=str(request.META.get("REMOTE_ADDR", ""))
    )
    refuse_over(use("tokens", where, count=False))
    scheme, _, secret = said.partition(" ")
    token = find_token(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        use("tokens", where)
        raise ProblemError(
            "unauthenticated", "The token is not known, was withdrawn, or has run out: make a new one."
        )
    return Caller(token.user, scopes_of(token), token)


def refuse_over(spent: Use) -> None:
    """Refuse what is over a limit."""
    if spent.wait:
        detail = f"At most {spent.limit} requests are answered in this time; wait {spent.wait} s."
        raise ProblemError("rate-limit", detail, retry_after=spent.wait)
