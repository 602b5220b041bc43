"""A new study, prompts from elsewhere, completions for arms that have none of their own, a copy."""

from __future__ import annotations

from typing import Any

from django import forms

from studies.files.nodes import MAX_BYTES
from studies.presets.catalogue import PRESETS

SOURCES = (
    ("checkpoint", "A checkpoint, guided against standard sampling"),
    ("given", "Completions that I have already"),
)
SHAPES = (("lines", "One prompt a line"), ("blocks", "Blocks, parted by an empty line"))


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "dir": "auto"})


class NewStudyForm(forms.Form):
    """What a first valid draft needs; the rest has defaults."""

    title = forms.CharField(
        label="Title",
        max_length=200,
        help_text="Annotators read it, so it names no arm.",
        error_messages={"required": "Give the study a title."},
    )
    study = forms.CharField(
        label="Short name",
        max_length=60,
        help_text="Lower-case letters, digits, hyphens. It is part of addresses and stays.",
        error_messages={"required": "Give the study a short name, such as sea-talk."},
    )
    question = forms.CharField(
        label="What annotators are asked", max_length=300, initial="Which response is better?"
    )
    source = forms.ChoiceField(
        label="Where the responses come from", choices=SOURCES, initial="checkpoint", widget=forms.RadioSelect
    )
    prompts = forms.CharField(
        label="Prompts",
        widget=_area(8),
        help_text="More can follow, and be uploaded, in the editor.",
        error_messages={"required": "Write one prompt at least."},
    )
    shape = forms.ChoiceField(label="They are written as", choices=SHAPES, initial="lines")


class PromptsForm(forms.Form):
    """Prompts that are pasted, uploaded, or taken from a preset."""

    prompts = forms.CharField(label="Paste prompts", widget=_area(6), required=False)
    shape = forms.ChoiceField(label="They are written as", choices=SHAPES, initial="lines")
    system = forms.CharField(
        label="System instruction for all that are pasted", widget=_area(2), required=False
    )
    stratum = forms.CharField(label="Their stratum", max_length=60, required=False)
    file = forms.FileField(
        label="Or upload them",
        required=False,
        help_text="CSV with the columns id, user (or text), system, stratum …, or JSON Lines; at most 5 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.jsonl"}),
        error_messages={"empty": "This file is empty."},
    )
    preset = forms.ChoiceField(
        label="Or take those of a preset",
        required=False,
        choices=[("", "None"), *((name, name) for name in PRESETS)],
    )
    replace = forms.BooleanField(label="In place of those that are there", required=False)

    def clean_file(self) -> Any:
        """Refuse what is too large before reading it, and what is no table."""
        file = self.cleaned_data["file"]
        if file and (file.size or 0) > MAX_BYTES:
            message = f"{file.name} is larger than 5 MB."
            raise forms.ValidationError(message)
        return file

    def clean(self) -> dict[str, Any]:
        """Ask for one source."""
        data: dict[str, Any] = super().clean() or {}
        given = [name for name in ("prompts", "file", "preset") if data.get(name)]
        if len(given) != 1 and not self.errors:
            message = "Paste prompts, or upload them, or take a preset’s: one of the three."
            raise forms.ValidationError(message)
        return data


class CopyForm(forms.Form):
    """The name of a copy."""

    study = forms.CharField(
        label="Short name of the copy",
        max_length=60,
        help_text="Lower-case letters, digits, hyphens.",
        error_messages={"required": "Give the copy a short name."},
    )
    completions = forms.BooleanField(
        label="Take the finished completions along",
        required=False,
        help_text="Then nothing is generated twice. Judgments never come along.",
    )
