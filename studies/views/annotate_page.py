"""What the comparison page shows, gathered in the frame of the screen."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.spec import Message
from studies.domain.assignment import Progress, progress
from studies.domain.unblinding import responses
from studies.forms.annotate import JudgmentForm, ReportForm
from studies.models import Assignment, Comparison, new_key
from studies.views.annotate_parts import parts
from studies.views.annotate_visit import Visit
from studies.views.differences import panes

_LONG_CHARACTERS = 700
_LONG_LINES = 10
_ROLES = {
    "system": _("System instruction"),
    "user": _("User message"),
    "assistant": _("Earlier reply"),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the prompt."""

    role: str
    label: str | Promise
    text: str


def turns(messages: tuple[Message, ...], *, plain: bool) -> list[Turn]:
    """Return the prompt as the page tells it; a plain prompt is a text that the responses continue."""
    if plain:
        return [Turn("text", _("Text to be continued"), messages[0].content)]
    return [
        Turn(message.role, _ROLES.get(message.role, _("Message")), message.content) for message in messages
    ]


def is_long(prompt: list[Turn]) -> bool:
    """Return whether a prompt would push the responses out of sight."""
    characters = sum(len(turn.text) for turn in prompt)
    lines = sum(turn.text.count("\n") + 1 for turn in prompt)
    return characters > _LONG_CHARACTERS or lines > _LONG_LINES


def comparison_page(
    visit: Visit,
    row: Assignment,
    *,
    far: Progress | None = None,
    form: JudgmentForm | None = None,
    report: ReportForm | None = None,
) -> HttpResponse:
    """Render the comparison: a fresh page, or the one that came back with something missing."""
    if visit.annotator is None:
        return visit.goto("start")
    study = visit.study
    row.comparison.study = study  # at hand already; a chain of thought's answer needs its marker
    shown = _asked(row.comparison)
    far = far or progress(annotator=visit.annotator, now=visit.now)
    return visit.show(
        "compare",
        status=422 if form or report else 200,
        progress=far,
        assignment=str(row.key),
        key=str(_submission_key(form)),
        responses=panes(responses(row), marked=study.differences),
        markdown=study.markdown,
        differences=study.differences,
        turns=shown,
        long=is_long(shown),
        parts=parts(study, form, report),
        error=form.first_error() if form else "",
        min_exposure_ms=study.min_exposure_ms,
        undo=far.last_key,
    )


def _asked(comparison: Comparison) -> list[Turn]:
    """Return the prompt of a comparison; a check that a researcher wrote has one of its own."""
    if comparison.asked:
        return turns((Message("user", comparison.asked),), plain=False)
    return turns(comparison.prompt.turns, plain=bool(comparison.prompt.text))


def _submission_key(form: JudgmentForm | None) -> UUID:
    """Return the key of a form that came back, or a new one."""
    given = form.cleaned_data.get("key") if form else None
    return given or new_key()
