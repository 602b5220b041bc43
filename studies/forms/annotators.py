"""Which annotators are wanted, and in which order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from studies.domain.annotator_table import SORTS, STATES


def _states() -> list[tuple[str, str]]:
    return [("", gettext("Everybody")), *((name, gettext(words)) for name, words in STATES.items())]


class AnnotatorsForm(forms.Form):
    """The search, the filter and the sorting of the annotators' table."""

    search = forms.CharField(label=_("Search pseudonyms"), required=False, max_length=120)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=_states)
    sort = forms.ChoiceField(
        required=False,
        choices=[(sign + name, name) for name in SORTS for sign in ("", "-")],
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, personal: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if personal:
            self.fields["search"].label = _("Search pseudonyms and external ids")

    def wanted(self) -> dict[str, str]:
        """Return what is wanted, as `annotator_lines` takes it; what is no answer counts as none."""
        self.is_valid()
        return {
            "search": self.cleaned_data.get("search", ""),
            "state": self.cleaned_data.get("status", ""),
            "sort": self.cleaned_data.get("sort") or "annotator",
        }
