"""The recruiting site's list."""

from __future__ import annotations

from django import forms


class RecruitedForm(forms.Form):
    """A CSV as the recruiting site exports it. Nothing of it is kept."""

    file = forms.FileField(
        label="The site's list",
        help_text="Prolific: Submissions → Download → CSV. It is compared and not kept.",
        error_messages={"required": "Choose the CSV that the recruiting site gave you."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv"}),
    )
