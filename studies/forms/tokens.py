"""Making a token for programs."""

from __future__ import annotations

from django import forms

from studies.domain.tokens import DAYS
from studies.enums import Scope


class TokenForm(forms.Form):
    """What it is for, what it may be used for, how long it lasts."""

    name = forms.CharField(
        label="What it is for",
        max_length=80,
        help_text="For your list only, such as “nightly backup”.",
        error_messages={"required": "Say what it is for."},
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than your own roles allow.",
        error_messages={"required": "Choose one or more."},
    )
    days = forms.TypedChoiceField(
        label="It lasts", coerce=int, choices=[(days, f"{days} days") for days in DAYS], initial=90
    )

    def clean_scopes(self) -> list[Scope]:
        """Return the scopes themselves."""
        return [Scope(word) for word in self.cleaned_data["scopes"]]
