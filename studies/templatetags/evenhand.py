"""Words and figures for templates: each with the digits it deserves."""

from __future__ import annotations

import json
from datetime import datetime

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from studies.enums import StudyStatus, in_sentence

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
    "study.imported": _("Imported from a study file"),
    "study.generation_started": _("Generation started"),
    "study.generation_retried": _("Failed completions asked for again"),
    "study.generation_paused": _("Generation paused"),
    "study.generation_resumed": _("Generation resumed"),
    "study.generation_cancelled": _("Generation cancelled: a draft again"),
    "study.completion_retried": _("A failed completion asked for again"),
    "study.tried": _("Tried on a few prompts, unblinded"),
    "study.ready": _("All completions there, pairs made"),
    "study.opened": _("Opened: the plan is frozen"),
    "study.paused": _("Paused"),
    "study.resumed": _("Resumed"),
    "study.closed": _("Closed: results can be read"),
    "study.archived": _("Archived"),
    "comparison.left_out": _("Comparisons left out of the plan"),
    "comparison.included": _("Comparisons put back into the plan"),
    "completion.redrawn": _("Completions drawn anew"),
    "scan.unblinded": _("The quality scan was read by arm"),
    "study.extended": _("Extended beyond the plan"),
    "study.prompts_added": _("Prompts added beyond the plan"),
    "study.prompts_served": _("Added prompts are written and served"),
    "webhook.added": _("Webhook added"),
    "webhook.removed": _("Webhook removed"),
    "webhook.secret_renewed": _("Webhook given a new secret"),
    "notices.switched_off": _("Notices switched off: they did not arrive"),
    "notices.switched_on": _("Notices switched on again"),
    "alarm.changed": _("Quality alarm changed"),
    "account.promoted": _("Account made administrator"),
    "account.demoted": _("Account no longer administrator"),
    "study.unblinded_early": _("Unblinded before it was closed"),
    "look.taken": _("A planned look was taken"),
    "study.simulated": _("Simulated annotators took part"),
    "judgment.undone": _("An annotator took back an answer"),
    "plan.change_refused": _("A change of the frozen plan was refused"),
    "member.added": _("Member added"),
    "member.role_changed": _("Member’s role changed"),
    "member.removed": _("Member removed"),
    "invitation.made": _("Invitation made"),
    "invitation.accepted": _("Invitation accepted"),
    "invitation.revoked": _("Invitation withdrawn"),
    "file.downloaded": _("File downloaded"),
    "account.logged_in": _("Logged in"),
    "account.made": _("Account made"),
    "account.password_changed": _("Password changed"),
    "account.password_reset": _("New password chosen by a link"),
    "account.reset_link_made": _("Link to a new password made"),
    "account.second_factor_on": _("Second factor switched on"),
    "account.second_factor_off": _("Second factor switched off"),
    "account.deactivated": _("Account deactivated"),
    "account.reactivated": _("Account activated again"),
    "account.released": _("Wrong passwords forgotten"),
    "account.locked_out": _("Locked out after wrong passwords"),
    "token.made": _("Token for programs made"),
    "token.revoked": _("Token for programs withdrawn"),
    "annotator.excluded": _("Annotator excluded"),
    "annotator.included": _("Annotator included again"),
    "annotator.erased": _("Personal data of an annotator erased"),
    "annotators.erased": _("Personal data erased: their time was over"),
    "study.exported": _("Everything exported"),
    "study.carried_in": _("Whole study imported"),
}

_ELSEWHERE = (
    # What the quality scan looks for.
    _("An empty response"),
    _("Both responses are the same"),
    _("A response cut off at the length limit"),
    _("A response that repeats itself"),
    _("A response that leaks special tokens"),
    _("A response that refuses"),
    _("A response that names itself a program"),
    _("A response in another language than its prompt"),
    # What a worker does.
    _("Idle"),
    _("Loading"),
    _("Reading prompts"),
    _("Writing"),
    _("Lost"),
    # Groups of the API's operations.
    _("Editor"),
    _("Members and log"),
    _("Results"),
    _("Site"),
    _("Steering and export"),
    _("Trial"),
    _("Watching"),
    # How far a report is.
    _("Computing"),
    _("Drawing the pictures"),
    # What a plan warns of.
    _("Below 6 clusters the interval's coverage has not been measured."),
)
"""Words that pages show and that belong to the analysis and the workers, which speak English alone."""


@register.filter
def count(value: float | None) -> str:
    """Write a whole number with its thousands apart; a dash for nothing."""
    return digits(value, 0)


@register.filter
def digits(value: float | None, number: int) -> str:
    """Write a figure with so many decimals; a dash for nothing."""
    return "–" if value is None else str(number_format(round(value, number), number, force_grouping=True))


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
    return f"{digits(value, 1 if value < _TEN else 0)}\u00a0s"


@register.filter
def duration(value: float | None) -> str:
    """Write a time left the way people say it."""
    if not value:
        return ""
    if value < _MINUTE:
        return gettext("less than a minute")
    if value < 2 * _HOUR:
        return gettext("about %(number)s min") % {"number": round(value / _MINUTE)}
    return gettext("about %(number)s h") % {"number": round(value / _HOUR)}


@register.filter
def ago(moment: datetime) -> str:
    """Say how long something is past, the way people say it."""
    past = max(0, round((timezone.now() - moment).total_seconds()))
    if past < _MINUTE:
        return gettext("%(number)s s ago") % {"number": past}
    if past < _HOUR:
        return gettext("%(number)s min ago") % {"number": past // _MINUTE}
    return gettext("%(number)s h ago") % {"number": past // _HOUR}


@register.filter
def moment(at: datetime) -> str:
    """Write a point in time within a sentence, as `components/time.html` does beside one."""
    return mark_safe(render_to_string("components/time.html", {"at": at}).strip())  # noqa: S308 - a template's


@register.filter
def rate(per_minute: float) -> str:
    """Write a speed; nothing while there is none to tell."""
    if not per_minute:
        return ""
    return gettext("%(number)s a minute") % {"number": digits(per_minute, 0 if per_minute >= _TEN else 1)}


@register.filter
def paragraphs(text: str) -> list[str]:
    """Split a text at its blank lines; how a file breaks its lines within them is of no interest."""
    return [part for part in (" ".join(piece.split()) for piece in text.split("\n\n")) if part]


@register.filter
def figure(value: float) -> str:
    """Write a setting as short as it is exact."""
    return str(number_format(f"{value:g}")) if "e" not in f"{value:g}" else f"{value:g}"


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
    words = _EVENTS.get(action)
    return gettext(words) if words else action.replace(".", ": ").replace("_", " ").capitalize()


@register.filter
def plural(number: int, words: str) -> str:
    """Write a count with its noun: ``{{ 3|plural:"pair pairs" }}``; an irregular plural is given whole."""
    one, many = words.split()
    return f"{count(number)} {ngettext(one, many, number)}"


@register.filter
def translated(words: str) -> str:
    """Return the words of a closed vocabulary in the reader's language; they are kept in English."""
    return gettext(words) if words else ""


@register.filter
def inside(label: str) -> str:
    """Return a label as it stands within a sentence."""
    return in_sentence(label)


@register.filter
def found(counts: dict[str, int], name: str) -> int:
    """Return the count under a name; none is 0."""
    return counts.get(name, 0)


@register.filter
def flops(value: float | None) -> str:
    """Write floating-point operations in the unit that fits; a dash for nothing."""
    if not value:
        return "–"
    unit, size = next(((unit, size) for unit, size in _UNITS if value >= size), ("", 1))
    return f"{figure(float(f'{value / size:.3g}'))}\u00a0{unit}"


@register.filter
def as_json(value: object) -> str:
    """Write what the log keeps so that it can be read."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
