"""What deviates from a frozen plan: each with its reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studies.domain.extending import MOST
from studies.forms.editor import PromptsForm
from studies.models import Study


class _Deviation(forms.Form):
    """The reason that the log keeps and the report quotes."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label=_("Reason"),
        help_text=_("The log and the report quote it."),
        error_messages={"required": _("Write down why: the report quotes it.")},
    )


class ExtensionForm(_Deviation):
    """How often each comparison is to be judged in all."""

    field_order = ("overlap", "reason")

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        least = study.judgments_each + 1
        super().__init__(*args, **kwargs)
        self.fields["overlap"] = forms.IntegerField(
            label=_("Judgments of each comparison, in all"),
            initial=least,
            min_value=least,
            max_value=MOST,
            help_text=_("It is %(judgments_each)s now.") % {"judgments_each": study.judgments_each},
            error_messages={"required": _("Write the new number.")},
        )
        self.order_fields(self.field_order)


class AdditionForm(_Deviation, PromptsForm):
    """Prompts that the plan does not have, pasted or uploaded, and why they come."""

    preset = None  # type: ignore[assignment]  # how Django leaves an inherited field out
    replace = None  # type: ignore[assignment]
    field_order = ("prompts", "shape", "system", "stratum", "file", "reason")

    def clean(self) -> dict[str, Any]:
        """Look for no preset."""
        return super().clean() | {"preset": ""}


class UnblindingForm(_Deviation):
    """The reason, and the study's name typed by hand."""

    confirmed = forms.CharField(
        max_length=60,
        label=_("The study’s short name"),
        help_text=_("Type it to confirm."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Type the study’s short name to confirm.")},
    )
