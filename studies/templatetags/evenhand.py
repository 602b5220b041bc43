"""Words and figures for templates: each with the digits it deserves."""

from __future__ import annotations

import json
from datetime import datetime

from django import template
from django.utils import timezone

from studies.enums import StudyStatus

register = template.Library()

_UNITS = (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6))
_MINUTE = 60
_HOUR = 3_600
_TEN = 10

_TONES: dict[str, tuple[str, str]] = {
    StudyStatus.DRAFT: ("", "○"),
    StudyStatus.GENERATING: ("accent", "◔"),
    StudyStatus.READY: ("accent", "◑"),
    StudyStatus.OPEN: ("good", "●"),
    StudyStatus.PAUSED: ("warn", "‖"),
    StudyStatus.CLOSED: ("", "■"),
    StudyStatus.ARCHIVED: ("", "□"),
}
_EVENTS = {
    "study.imported": "Imported from a study file",
    "study.generation_started": "Generation started",
    "study.generation_retried": "Failed completions asked for again",
    "study.generation_paused": "Generation paused",
    "study.generation_resumed": "Generation resumed",
    "study.generation_cancelled": "Generation cancelled: a draft again",
    "study.completion_retried": "A failed completion asked for again",
    "study.tried": "Tried on a few prompts, unblinded",
    "study.ready": "All completions there, pairs made",
    "study.opened": "Opened: the plan is frozen",
    "study.paused": "Paused",
    "study.resumed": "Resumed",
    "study.closed": "Closed: results can be read",
    "study.archived": "Archived",
    "comparison.left_out": "Comparisons left out of the plan",
    "comparison.included": "Comparisons put back into the plan",
    "completion.redrawn": "Completions drawn anew",
    "scan.unblinded": "The quality scan was read by arm",
    "study.extended": "Extended beyond the plan",
    "study.unblinded_early": "Unblinded before it was closed",
    "look.taken": "A planned look was taken",
    "study.simulated": "Simulated annotators took part",
    "judgment.undone": "An annotator took back an answer",
    "plan.change_refused": "A change of the frozen plan was refused",
    "member.added": "Member added",
    "member.role_changed": "Member’s role changed",
    "member.removed": "Member removed",
    "invitation.made": "Invitation made",
    "invitation.accepted": "Invitation accepted",
    "invitation.revoked": "Invitation withdrawn",
    "file.downloaded": "File downloaded",
    "account.logged_in": "Logged in",
    "account.made": "Account made",
    "account.password_changed": "Password changed",
    "account.password_reset": "New password chosen by a link",
    "account.reset_link_made": "Link to a new password made",
    "account.second_factor_on": "Second factor switched on",
    "account.second_factor_off": "Second factor switched off",
    "account.deactivated": "Account deactivated",
    "account.reactivated": "Account activated again",
    "account.released": "Wrong passwords forgotten",
    "account.locked_out": "Locked out after wrong passwords",
    "token.made": "Token for programs made",
    "token.revoked": "Token for programs withdrawn",
    "annotator.excluded": "Annotator excluded",
    "annotator.included": "Annotator included again",
    "annotator.erased": "Personal data of an annotator erased",
    "annotators.erased": "Personal data erased: their time was over",
    "study.exported": "Everything exported",
    "study.carried_in": "Whole study imported",
}


@register.filter
def count(value: float | None) -> str:
    """Write a whole number with commas between thousands; a dash for nothing."""
    return "–" if value is None else f"{value:,.0f}"


@register.filter
def percent(value: float | None) -> str:
    """Write a share as a whole per cent."""
    return "–" if value is None else f"{100 * value:.0f}\u00a0%"


@register.filter
def seconds(milliseconds: float | None) -> str:
    """Write milliseconds as seconds: one decimal below ten."""
    if milliseconds is None:
        return "–"
    value = milliseconds / 1000
    return f"{value:.1f}\u00a0s" if value < _TEN else f"{value:.0f}\u00a0s"


@register.filter
def duration(value: float | None) -> str:
    """Write a time left the way people say it."""
    if not value:
        return ""
    if value < _MINUTE:
        return "less than a minute"
    if value < 2 * _HOUR:
        return f"about {round(value / _MINUTE)} min"
    return f"about {round(value / _HOUR)} h"


@register.filter
def ago(moment: datetime) -> str:
    """Say how long something is past, the way people say it."""
    past = max(0, round((timezone.now() - moment).total_seconds()))
    if past < _MINUTE:
        return f"{past} s ago"
    return f"{past // _MINUTE} min ago" if past < _HOUR else f"{past // _HOUR} h ago"


@register.filter
def rate(per_minute: float) -> str:
    """Write a speed; nothing while there is none to tell."""
    if not per_minute:
        return ""
    return f"{per_minute:.0f} a minute" if per_minute >= _TEN else f"{per_minute:.1f} a minute"


@register.filter
def paragraphs(text: str) -> list[str]:
    """Split a text at its blank lines; how a file breaks its lines within them is of no interest."""
    return [part for part in (" ".join(piece.split()) for piece in text.split("\n\n")) if part]


@register.filter
def figure(value: float) -> str:
    """Write a setting as short as it is exact."""
    return f"{value:g}"


@register.filter
def tone(status: str) -> str:
    """Return the badge's tone for a study's status."""
    return _TONES[status][0]


@register.filter
def mark(status: str) -> str:
    """Return the badge's mark, so that its colour is not alone in telling the status."""
    return _TONES[status][1]


@register.filter
def event(action: str) -> str:
    """Say what an audit event was."""
    return _EVENTS.get(action) or action.replace(".", ": ").replace("_", " ").capitalize()


@register.filter
def plural(number: int, words: str) -> str:
    """Write a count with its noun: ``{{ 3|plural:"pair pairs" }}``; an irregular plural is given whole."""
    one, many = words.split()
    return f"{count(number)} {one if number == 1 else many}"


@register.filter
def found(counts: dict[str, int], name: str) -> int:
    """Return the count under a name; none is 0."""
    return counts.get(name, 0)


@register.filter
def digits(value: float | None, number: int) -> str:
    """Write a figure with so many decimals; a dash for nothing."""
    return "–" if value is None else f"{value:,.{number}f}"


@register.filter
def flops(value: float | None) -> str:
    """Write floating-point operations in the unit that fits; a dash for nothing."""
    if not value:
        return "–"
    unit, size = next(((unit, size) for unit, size in _UNITS if value >= size), ("", 1))
    return f"{value / size:.3g}\u00a0{unit}"


@register.filter
def as_json(value: object) -> str:
    """Write what the log keeps so that it can be read."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
