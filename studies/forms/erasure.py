"""Erasing what is known of an annotator as a person."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ErasureForm(forms.Form):
    """The pseudonym, typed, and whether their own words go as well."""

    pseudonym = forms.CharField(
        max_length=40,
        label=_("Type the pseudonym to confirm"),
        error_messages={"required": _("Type the pseudonym: what is erased cannot be brought back.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reasons = forms.BooleanField(
        required=False, label=_("Also the reasons that they wrote in their own words")
    )
