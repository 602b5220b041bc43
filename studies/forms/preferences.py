"""Which preference pairs a file is to have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studies.models import Study

_TIES = (("against", _("Count against both responses")), ("leave-out", _("Leave them out")))
_FORMS = (("", _("All of one kind")), ("conversation", _("Conversations")), ("plain", _("Plain texts")))
_FILES = (("jsonl", _("JSON Lines")), ("parquet", _("Parquet")))


class PreferencesForm(forms.Form):
    """The options of `manage.py study preferences`; what is not said has its default."""

    criterion = forms.ChoiceField(required=False, label=_("Criterion"))
    share = forms.FloatField(
        min_value=0.01,
        max_value=1,
        initial=0.5,
        label=_("Share"),
        help_text=_("The chosen response is preferred in this share of the pair’s judgments or more."),
    )
    least = forms.IntegerField(
        min_value=1, max_value=1_000, initial=1, label=_("Judgments of a pair, at least")
    )
    ties = forms.ChoiceField(choices=_TIES, initial="against", label=_("Ties"))
    excluded = forms.BooleanField(
        required=False, label=_("Count judgments that are left out of the results, too")
    )
    form = forms.ChoiceField(choices=_FORMS, required=False, label=_("Prompts"))
    file = forms.ChoiceField(choices=_FILES, initial="jsonl", label=_("Format"))

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = study.criteria.order_by("-primary", "position").values_list("name", flat=True)
        self.fields["criterion"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
