"""The forms of the steps around the comparisons: practice, comprehension check, survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studies.enums import Choice
from studies.forms.annotate import SCALES, Point


def practised(scale: str, value: str) -> Choice | None:
    """Return the choice behind what a practice page sent; None when it sent nothing usable."""
    point = next((point for point in points(scale) if point.value == value), None)
    return point.choice if point else None


def points(scale: str) -> tuple[Point, ...]:
    """Return the answers that a practice pair offers: those of the primary criterion."""
    return SCALES[scale]


class SurveyForm(forms.Form):
    """The study's own questions, each required unless it says otherwise."""

    def __init__(self, *args: Any, questions: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = questions
        for question in questions:
            self.fields[question["name"]] = _MAKERS[question["kind"]](question)

    def asked(self) -> list[dict[str, Any]]:
        """Return the questions as the page shows them."""
        return [question | {"field": self[question["name"]]} for question in map(dict, self.questions)]

    def answers(self) -> dict[str, Any]:
        """Return the answers by name, without the empty ones, as they are stored."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}


def _common(question: Mapping[str, Any], words: Any) -> dict[str, Any]:
    return {
        "label": question["question"],
        "required": question.get("required", True),
        "error_messages": {"required": words},
    }


def _single(question: Mapping[str, Any]) -> forms.Field:
    choices = [(option, option) for option in question["options"]]
    return forms.ChoiceField(
        choices=choices, widget=forms.RadioSelect, **_common(question, _("Choose an answer."))
    )


def _multiple(question: Mapping[str, Any]) -> forms.Field:
    choices = [(option, option) for option in question["options"]]
    return forms.MultipleChoiceField(
        choices=choices, widget=forms.CheckboxSelectMultiple, **_common(question, _("Tick at least one."))
    )


def _scale(question: Mapping[str, Any]) -> forms.Field:
    numbers = range(question["least"], question["most"] + 1)
    return forms.TypedChoiceField(
        choices=[(number, str(number)) for number in numbers],
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        **_common(question, _("Choose a point on the scale.")),
    )


def _number(question: Mapping[str, Any]) -> forms.Field:
    return forms.IntegerField(
        min_value=question.get("least"),
        max_value=question.get("most"),
        **_common(question, _("Enter a number.")),
    )


def _text(question: Mapping[str, Any]) -> forms.Field:
    return forms.CharField(max_length=_MOST_TEXT, **_common(question, _("Write a few words.")))


_MOST_TEXT = 5_000
_MAKERS = {"single": _single, "multiple": _multiple, "scale": _scale, "number": _number, "text": _text}


class ComprehensionForm(forms.Form):
    """Questions about the instructions; which answers are right is not in it."""

    attempt = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, questions: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [f"question-{number}" for number in range(len(questions))]
        for name, question in zip(self.names, questions, strict=True):
            self.fields[name] = forms.ChoiceField(
                label=question["question"],
                choices=[(option, option) for option in question["options"]],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose an answer.")},
            )

    def asked(self) -> list[forms.BoundField]:
        """Return the questions as the page shows them."""
        return [self[name] for name in self.names]

    def answers(self) -> list[str]:
        """Return what was chosen, in the order of the questions."""
        return [self.cleaned_data[name] for name in self.names]
