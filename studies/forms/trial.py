"""Which prompts and arms are tried."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studies.domain.trial import USUAL, drawn_prompts, first_prompts, usual_arms
from studies.models import Study

FIRST, DRAWN, PICKED = "first", "drawn", "picked"
CHOICES: tuple[tuple[str, Promise], ...] = (
    (FIRST, _("The first three")),
    (DRAWN, _("Three drawn at random, others each time")),
    (PICKED, _("These:")),
)


class TrialForm(forms.Form):
    """The prompts: the first ones, drawn ones, or named ones; and the arms."""

    which = forms.ChoiceField(
        label=_("Which prompts"), choices=CHOICES, initial=FIRST, widget=forms.RadioSelect
    )
    arms = forms.MultipleChoiceField(
        label=_("Which arms"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one arm.")},
    )

    def __init__(self, data: Any = None, *, study: Study) -> None:
        super().__init__(data)
        self._study = study
        names = list(study.arms.values_list("name", flat=True))
        arms = self.fields["arms"]
        assert isinstance(arms, forms.MultipleChoiceField)  # noqa: S101 - as declared above
        arms.choices = [(name, name) for name in names]
        arms.initial = usual_arms(study)
        self.several = len(names) > len(arms.initial)
        for number in range(1, USUAL + 1):
            self.fields[f"prompt_{number}"] = forms.CharField(
                label=_("Prompt %(number)s") % {"number": number},
                required=False,
                widget=forms.TextInput(attrs={"list": "prompts", "autocomplete": "off", "dir": "auto"}),
            )

    @property
    def picks(self) -> list[forms.BoundField]:
        """The fields for prompts that are named."""
        return [self[f"prompt_{number}"] for number in range(1, USUAL + 1)]

    def clean(self) -> dict[str, Any]:
        """Say beside its field which prompt there is none of."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("which") == PICKED:
            named = {number: data.get(f"prompt_{number}", "") for number in range(1, USUAL + 1)}
            there = set(self._study.prompts.filter(name__in=named.values()).values_list("name", flat=True))
            for number, name in named.items():
                if name and name not in there:
                    self.add_error(f"prompt_{number}", _("The study has no prompt of this name."))
            if not any(named.values()):
                self.add_error("prompt_1", _("Name one prompt at least."))
        return data

    def prompts(self) -> list[str]:
        """Return the names of the prompts that are wanted."""
        match self.cleaned_data["which"]:
            case "first":
                return first_prompts(self._study)
            case "drawn":
                return drawn_prompts(self._study)
        named = (self.cleaned_data[f"prompt_{number}"] for number in range(1, USUAL + 1))
        return [name for name in named if name]
