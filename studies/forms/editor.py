"""A new study, prompts from elsewhere, completions for arms that have none of their own, a copy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studies.files.beginning import CHECKPOINT, SCALE
from studies.files.nodes import MAX_BYTES
from studies.presets.catalogue import PRESETS

SOURCES = (
    ("checkpoint", _("A checkpoint, guided against standard sampling")),
    ("endpoint", _("Two models of a server that speaks OpenAI’s protocol")),
    ("given", _("Completions that I have already")),
)
NEEDED = {
    "checkpoint": ("checkpoint", "guidance_scale", "system"),
    "endpoint": ("base_url", "baseline_model", "candidate_model"),
}
"""What has to be said of each source."""
SHAPES = (("lines", _("One prompt a line")), ("blocks", _("Blocks, parted by an empty line")))


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "dir": "auto"})


class NewStudyForm(forms.Form):
    """What a first valid draft needs; the rest has defaults."""

    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("Annotators read it, so it names no arm."),
        error_messages={"required": _("Give the study a title.")},
    )
    study = forms.CharField(
        label=_("Short name"),
        max_length=60,
        help_text=_("Lower-case letters, digits, hyphens. It is part of addresses and stays."),
        error_messages={"required": _("Give the study a short name, such as sea-talk.")},
    )
    question = forms.CharField(
        label=_("What annotators are asked"), max_length=300, initial="Which response is better?"
    )
    source = forms.ChoiceField(
        label=_("Where the responses come from"),
        choices=SOURCES,
        initial="checkpoint",
        widget=forms.RadioSelect,
    )
    checkpoint = forms.CharField(
        label=_("Checkpoint"),
        max_length=200,
        required=False,
        initial=CHECKPOINT,
        help_text=_("One of those that are there, path:FOLDER, or hub:ORGANISATION/NAME."),
        widget=forms.TextInput(attrs={"list": "checkpoints", "autocomplete": "off"}),
    )
    guidance_scale = forms.FloatField(
        label=_("Guidance scale of the candidate"),
        required=False,
        initial=SCALE,
        min_value=0,
        max_value=20,
        help_text=_("The baseline has 1, which is standard sampling. Above it the instruction counts more."),
    )
    system = forms.CharField(
        label=_("Instruction that every prompt begins with"),
        required=False,
        widget=_area(2),
        help_text=_(
            "Such as “Answer as a pirate.” Guidance strengthens it; without one, guidance has nothing to do."
        ),
    )
    base_url = forms.CharField(
        label=_("Address of the server"),
        max_length=200,
        required=False,
        help_text="http://localhost:8000/v1",
    )
    baseline_model = forms.CharField(label=_("Model of the baseline"), max_length=200, required=False)
    candidate_model = forms.CharField(label=_("Model of the candidate"), max_length=200, required=False)
    prompts = forms.CharField(
        label=_("Prompts"),
        widget=_area(8),
        help_text=_("More can follow, and be uploaded, in the editor."),
        error_messages={"required": _("Write one prompt at least.")},
    )
    shape = forms.ChoiceField(label=_("They are written as"), choices=SHAPES, initial="lines")

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen source needs; what others would need is put aside."""
        data: dict[str, Any] = super().clean() or {}
        source = data.get("source", "")
        for name in NEEDED.get(source, ()):
            if name not in self.errors and data.get(name) in (None, ""):
                self.add_error(name, _("This is needed for responses from there."))
        for other, names in NEEDED.items():
            if other != source:
                for name in names:
                    self.errors.pop(name, None)
                    data.pop(name, None)
        return data


class PromptsForm(forms.Form):
    """Prompts that are pasted, uploaded, or taken from a preset."""

    prompts = forms.CharField(label=_("Paste prompts"), widget=_area(6), required=False)
    shape = forms.ChoiceField(label=_("They are written as"), choices=SHAPES, initial="lines")
    system = forms.CharField(
        label=_("System instruction for all that are pasted"), widget=_area(2), required=False
    )
    stratum = forms.CharField(label=_("Their stratum"), max_length=60, required=False)
    file = forms.FileField(
        label=_("Or upload them"),
        required=False,
        help_text=_(
            "CSV with the columns id, user (or text), system, stratum …, or JSON Lines; at most 5 MB."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.jsonl"}),
        error_messages={"empty": _("This file is empty.")},
    )
    preset = forms.ChoiceField(
        label=_("Or take those of a preset"),
        required=False,
        choices=[("", _("None")), *((name, name) for name in PRESETS)],
    )
    replace = forms.BooleanField(label=_("In place of those that are there"), required=False)

    def clean_file(self) -> Any:
        """Refuse what is too large before reading it, and what is no table."""
        file = self.cleaned_data["file"]
        if file and (file.size or 0) > MAX_BYTES:
            message = _("%(name)s is larger than 5 MB.") % {"name": file.name}
            raise forms.ValidationError(message)
        return file

    def clean(self) -> dict[str, Any]:
        """Ask for one source."""
        data: dict[str, Any] = super().clean() or {}
        given = [name for name in ("prompts", "file", "preset") if data.get(name)]
        if len(given) != 1 and not self.errors:
            message = _("Paste prompts, or upload them, or take a preset’s: one of the three.")
            raise forms.ValidationError(message)
        return data


class CopyForm(forms.Form):
    """The name of a copy."""

    study = forms.CharField(
        label=_("Short name of the copy"),
        max_length=60,
        help_text=_("Lower-case letters, digits, hyphens."),
        error_messages={"required": _("Give the copy a short name.")},
    )
    completions = forms.BooleanField(
        label=_("Take the finished completions along"),
        required=False,
        help_text=_("Then nothing is generated twice. Judgments never come along."),
    )
