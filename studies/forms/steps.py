"""The forms of the steps around the comparisons: practice, comprehension check."""

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
