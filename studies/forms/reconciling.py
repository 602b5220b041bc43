"""The recruiting site's list."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class RecruitedForm(forms.Form):
    """A CSV as the recruiting site exports it. Nothing of it is kept."""

    file = forms.FileField(
        label=_("The site's list"),
        help_text=_("Prolific: Submissions → Download → CSV. It is compared and not kept."),
        error_messages={"required": _("Choose the CSV that the recruiting site gave you.")},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv"}),
    )
