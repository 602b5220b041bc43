"""Why a pair leaves the plan, or is drawn anew."""

from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    """The reason that the log keeps."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Reason",
        help_text="The log keeps it, with your name and the time.",
        error_messages={"required": "Write down why: the log keeps it."},
    )
