"""Why a pair leaves the plan, or is drawn anew."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ReasonForm(forms.Form):
    """The reason that the log keeps."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label=_("Reason"),
        help_text=_("The log keeps it, with your name and the time."),
        error_messages={"required": _("Write down why: the log keeps it.")},
    )
