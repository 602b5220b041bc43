"""What an annotator ticks: consent, answers, problems. The words of the scales are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studies.domain.judging import Answer, Submission
from studies.enums import Choice, Scale
from studies.models import Criterion

_MOST_MS = 24 * 60 * 60 * 1000
_MOST_REASON = 2000
Text = str | Promise


@dataclass(frozen=True, slots=True)
class Point:
    """One answer of a scale as it stands on the screen."""

    value: str
    """What the form sends."""
    choice: Choice
    strength: int | None
    label: Text
    shortcuts: str
    """Keys that choose it, as `aria-keyshortcuts` writes them."""
    hint: str
    """The keys as they are shown."""


def _point(choice: Choice, label: Text, shortcuts: str, hint: str) -> Point:
    return Point(choice.value, choice, None, label, shortcuts, hint)


_A = _point(Choice.A, _("A is better"), "1 ArrowLeft", "1 ←")
_TIE = _point(Choice.TIE, _("Tie"), "0 T", "0")
_BOTH_BAD = _point(Choice.BOTH_BAD, _("Both are bad"), "B", "b")
_B = _point(Choice.B, _("B is better"), "2 ArrowRight", "2 →")


def _graded(labels: Sequence[tuple[Choice, int, Text]]) -> tuple[Point, ...]:
    return tuple(
        Point(
            value=f"{choice.value}{strength}",
            choice=choice,
            strength=strength,
            label=label,
            shortcuts=f"{number} 0 T" if choice is Choice.TIE else str(number),
            hint=str(number),
        )
        for number, (choice, strength, label) in enumerate(labels, start=1)
    )


SCALES: dict[str, tuple[Point, ...]] = {
    Scale.TWO_WAY: (_A, _B),
    Scale.TIE: (_A, _TIE, _B),
    Scale.BOTH_BAD: (_A, _TIE, _BOTH_BAD, _B),
    Scale.FIVE_POINT: _graded(
        (
            (Choice.A, 2, _("A much better")),
            (Choice.A, 1, _("A slightly better")),
            (Choice.TIE, 0, _("About the same")),
            (Choice.B, 1, _("B slightly better")),
            (Choice.B, 2, _("B much better")),
        )
    ),
    Scale.SEVEN_POINT: _graded(
        (
            (Choice.A, 3, _("A much better")),
            (Choice.A, 2, _("A better")),
            (Choice.A, 1, _("A slightly better")),
            (Choice.TIE, 0, _("About the same")),
            (Choice.B, 1, _("B slightly better")),
            (Choice.B, 2, _("B better")),
            (Choice.B, 3, _("B much better")),
        )
    ),
}
"""The answers of each scale, from A at one end to B at the other."""


class ConsentForm(forms.Form):
    """The explicit box. Nothing is ticked beforehand."""

    agree = forms.BooleanField(error_messages={"required": _("Tick the box if you agree to take part.")})


class ReportForm(forms.Form):
    """Why somebody gives a comparison back."""

    REASONS = (
        ("broken", _("A response is empty, cut off or unreadable")),
        ("upsetting", _("The text is offensive or upsetting")),
        ("beyond_me", _("I cannot judge this topic or language")),
        ("page", _("Something on this page does not work")),
        ("other", _("Something else")),
    )
    assignment = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.ChoiceField(
        choices=REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what the problem is, so that the researchers can look at it.")},
    )
    note = forms.CharField(required=False, max_length=_MOST_REASON)

    def reported(self) -> str:
        """Return the reason as it is stored: its word, then the note."""
        note = self.cleaned_data["note"]
        return f"{self.cleaned_data['reason']}: {note}" if note else str(self.cleaned_data["reason"])


class UndoForm(forms.Form):
    """Which answer is meant: naming it makes a double press harmless."""

    assignment = forms.UUIDField()


@dataclass(frozen=True, slots=True)
class Question:
    """A criterion as the page asks it."""

    field: str
    text: str
    graded: bool
    points: tuple[Point, ...]
    chosen: str
    error: str


class JudgmentForm(forms.Form):
    """An answer to each criterion, for one assignment, under one idempotency key."""

    assignment = forms.UUIDField()
    key = forms.UUIDField()
    reason = forms.CharField(required=False, max_length=_MOST_REASON)

    def __init__(
        self,
        *args: Any,
        criteria: Sequence[Criterion],
        reasons: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.criteria = criteria
        self.reasons = reasons or {}
        options = [(option, option) for option in self.reasons.get("options", ())]
        self.fields["ticked"] = forms.MultipleChoiceField(choices=options, required=False)
        for criterion in criteria:
            self.fields[_field(criterion)] = forms.ChoiceField(
                choices=[(point.value, point.label) for point in SCALES[criterion.scale]],
                error_messages={
                    "required": _("Choose an answer to “%(question)s”.") % {"question": criterion.question},
                    # Django formats this one again, so a percent sign in the question is doubled.
                    "invalid_choice": _("“%(question)s” does not offer that answer.")
                    % {"question": criterion.question.replace("%", "%%")},
                },
            )

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where the study does."""
        data: dict[str, Any] = self.cleaned_data
        given = data.get("ticked") or data.get("reason", "").strip()
        if self.reasons.get("required") and not given:
            self.add_error("reason", _("Say why: tick a reason, or write a few words."))
        return data

    def ticks(self) -> list[tuple[str, bool]]:
        """Return the reasons that can be ticked, and whether each is."""
        chosen = self.data.getlist("ticked") if isinstance(self.data, QueryDict) else []
        return [(option, option in chosen) for option in self.reasons.get("options", ())]

    def questions(self) -> list[Question]:
        """Return what the page shows, with what was chosen if the form came back."""
        return [
            Question(
                field=_field(criterion),
                text=criterion.question,
                graded=SCALES[criterion.scale][0].strength is not None,
                points=SCALES[criterion.scale],
                chosen=self.data.get(_field(criterion), ""),
                error=" ".join(map(str, self.errors.get(_field(criterion), []))),
            )
            for criterion in self.criteria
        ]

    def submission(self) -> Submission:
        """Return the answers as the domain takes them. The reason belongs to the primary criterion."""
        return Submission(
            assignment_key=self.cleaned_data["assignment"],
            key=self.cleaned_data["key"],
            active_ms=_milliseconds(self.data.get("active_ms", "")),
            answers={criterion.name: self._answer(criterion) for criterion in self.criteria},
        )

    def _answer(self, criterion: Criterion) -> Answer:
        chosen = self.cleaned_data[_field(criterion)]
        point = next(point for point in SCALES[criterion.scale] if point.value == chosen)
        reason = self.cleaned_data["reason"] if criterion.primary else ""
        ticked = tuple(self.cleaned_data["ticked"]) if criterion.primary else ()
        return Answer(choice=point.choice.value, strength=point.strength, reason=reason, ticked=ticked)

    def first_error(self) -> str:
        """Return one line that says what is missing."""
        return next((str(errors[0]) for errors in self.errors.values()), "")


def _field(criterion: Criterion) -> str:
    return f"choice-{criterion.name}"


def _milliseconds(raw: str) -> int | None:
    """Return a time that a browser measured; a browser that measured none, or nonsense, is not refused."""
    if not raw.isascii() or not raw.isdigit() or int(raw[:12]) > _MOST_MS:
        return None
    return int(raw[:12])
