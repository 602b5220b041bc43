"""Importing a study file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from studies.files.nodes import MAX_BYTES


class StudyFileForm(forms.Form):
    """A study file, and the prompts file that it may name."""

    file = forms.FileField(
        label=_("Study file"),
        help_text=_("YAML, at most 5 MB: title, criteria, arms and prompts."),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}),
        error_messages={
            "required": _("Choose a study file first."),
            "empty": _("This file is empty."),
        },
    )
    prompts = forms.FileField(
        label=_("Prompts file (optional)"),
        help_text=_("Only if the study file names a CSV or JSON Lines file for its prompts."),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.jsonl"}),
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large before reading it."""
        return _bounded(self.cleaned_data["file"])

    def clean_prompts(self) -> UploadedFile[Any] | None:
        """Refuse what is too large before reading it."""
        given: UploadedFile[Any] | None = self.cleaned_data["prompts"]
        return _bounded(given) if given else None


def _bounded(file: UploadedFile[Any]) -> UploadedFile[Any]:
    if (file.size or 0) > MAX_BYTES:
        message = _("%(name)s is larger than 5 MB. Put long prompts into a file of their own.") % {
            "name": file.name
        }
        raise forms.ValidationError(message)
    return file
