"""Erasing what is known of an annotator as a person."""

from __future__ import annotations

from django import forms


class ErasureForm(forms.Form):
    """The pseudonym, typed, and whether their own words go as well."""

    pseudonym = forms.CharField(
        max_length=40,
        label="Type the pseudonym to confirm",
        error_messages={"required": "Type the pseudonym: what is erased cannot be brought back."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reasons = forms.BooleanField(required=False, label="Also the reasons that they wrote in their own words")
