"""A file of completions that were written elsewhere."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from studies.files.completions import MAX_BYTES
from studies.files.rows import SUFFIXES
from studies.models import Study


class CompletionsForm(forms.Form):
    """The file, and whose completions it holds if its rows do not say."""

    file = forms.FileField(
        label=_("File with completions"),
        help_text=_(
            "JSON Lines or CSV with prompt and text, at most 200 MB. Arm and replicate where needed."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(SUFFIXES)}),
        error_messages={
            "required": _("Choose a file with completions first."),
            "empty": _("This file is empty."),
        },
    )
    arm = forms.ChoiceField(label=_("Whose completions"), required=False)

    def __init__(self, *given: Any, study: Study) -> None:
        super().__init__(*given)
        names = study.arms.values_list("name", flat=True)
        arm = self.fields["arm"]
        assert isinstance(arm, forms.ChoiceField)  # noqa: S101 - as declared above
        arm.choices = [("", _("each row names its arm")), *((name, name) for name in names)]

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large, or neither kind of file, before reading it."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 200 MB: send it in parts."))
        if PurePath(file.name or "").suffix.lower() not in SUFFIXES:
            raise forms.ValidationError(_("The file’s name ends neither in .jsonl nor in .csv."))
        return file
