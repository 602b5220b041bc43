"""Leaving an annotator out."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from studies.domain.exclusion import RULES


def _rules() -> list[tuple[str, str]]:
    return [("", gettext("Choose a rule")), *((name, gettext(words)) for name, words in RULES.items())]


class ExclusionForm(forms.Form):
    """By which rule, and why."""

    rule = forms.ChoiceField(
        choices=_rules,
        label=_("Rule"),
        help_text=_("Rules are best fixed before a study opens; the report names the one you choose."),
        error_messages={"required": _("Choose the rule that applies.")},
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label=_("Reason"),
        help_text=_("What you saw. The log and the report quote it."),
        error_messages={"required": _("Write down what you saw: the report quotes it.")},
    )
