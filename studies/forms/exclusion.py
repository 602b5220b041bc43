"""Leaving an annotator out."""

from __future__ import annotations

from django import forms

from studies.domain.exclusion import RULES


class ExclusionForm(forms.Form):
    """By which rule, and why."""

    rule = forms.ChoiceField(
        choices=[("", "Choose a rule"), *RULES.items()],
        label="Rule",
        help_text="Rules are best fixed before a study opens; the report names the one you choose.",
        error_messages={"required": "Choose the rule that applies."},
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Reason",
        help_text="What you saw. The log and the report quote it.",
        error_messages={"required": "Write down what you saw: the report quotes it."},
    )
