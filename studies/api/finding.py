"""A study for an operation: if it can be seen, if this may be done in it, and if it is still as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.http import parse_etags

from studies.api.callers import SAFE, SCOPES, Caller
from studies.api.problems import ProblemError
from studies.domain.access import AccessDeniedError, abilities_of, role_in, visible_studies
from studies.domain.audit import canonical
from studies.domain.invites import annotators_link
from studies.domain.lifecycle import lock_study, settle
from studies.enums import Ability, Scope
from studies.exports.log import DOWNLOADED, EXPORTED
from studies.models import Study


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls: the gate has looked."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    return caller


def study_for(
    request: HttpRequest, slug: str, ability: Ability, *, tag: Callable[[Study], str] | None = None
) -> Study:
    """Return the study as it stands now, if the caller may do this in it.

    With an If-Match, the study is held until the change is made. ``tag`` returns the ETag of what is
    changed, where that is only a part of the study.
    """
    caller = caller_of(request)
    study = visible_studies(caller.user).filter(slug=slug).first()
    if study is None:
        raise Http404(f"There is no study “{slug}” that you can see.")
    need(request, study, ability)
    study = settle(study)
    expected = request.headers.get("If-Match")
    if expected and request.method not in SAFE:
        study = lock_study(study)
        now = tag(study) if tag else etag_of(study, study_facts(caller, study))
        if expected.strip() != "*" and now not in parse_etags(expected):
            raise ProblemError("changed", f"“{slug}” has another ETag now: read it again.")
    return study


def need(request: HttpRequest, study: Study, ability: Ability) -> None:
    """Refuse what the caller's role, or the token's scopes, do not allow."""
    caller = caller_of(request)
    if ability not in abilities_of(caller.user, study):
        raise AccessDeniedError(study, ability)
    need_scope(request, SCOPES[ability])


def need_scope(request: HttpRequest, scope: Scope) -> None:
    """Refuse what the token is not for."""
    if scope not in caller_of(request).scopes:
        raise ProblemError("scope", f"This takes a token with the scope “{scope.value}”.", scope=scope.value)


def study_facts(caller: Caller, study: Study) -> dict[str, Any]:
    """Return a study as the API shows it; its ETag is made of these."""
    role = role_in(caller.user, study)
    return {
        "study": study.slug,
        "title": study.title,
        "status": study.status,
        "simulated": study.simulated,
        "unblinded": study.unblinded,
        "judgments_each": study.judgments_each,
        "role": role.value if role else "",
        "abilities": sorted(ability.value for ability in abilities_of(caller.user, study)),
        "plan_hash": study.plan_hash,
        "created_at": study.created_at.isoformat(),
        "opened_at": study.opened_at.isoformat() if study.opened_at else None,
        "closed_at": study.closed_at.isoformat() if study.closed_at else None,
        "annotators_link": annotators_link(study),
        "link_until": study.invite_until.isoformat() if study.invite_until else None,
    }


def etag_of(study: Study, facts: dict[str, Any]) -> str:
    """Return the ETag of a study: another one after every change of it that the log has.

    What took something out changed nothing.
    """
    changes = study.events.exclude(action__in=(EXPORTED, DOWNLOADED)).order_by("-pk")
    told = canonical(facts | {"last_change": changes.values_list("pk", flat=True).first()})
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
