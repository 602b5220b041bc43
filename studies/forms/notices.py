"""Who is told of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from studies.domain.errors import StudyError
from studies.domain.notices import OFFERED
from studies.enums import NoticeEvent
from studies.sending.addresses import check_url


class _Events(forms.TypedMultipleChoiceField):
    """Some of the events that can be told."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [(event.value, event.label) for event in OFFERED]
        super().__init__(choices=choices, coerce=NoticeEvent, widget=forms.CheckboxSelectMultiple, **kwargs)


class MailForm(forms.Form):
    """What an account wants e-mail about."""

    events = _Events(label=_("Write to me when"), required=False)

    def __init__(self, *args: Any, offered: Sequence[NoticeEvent], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["events"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(event.value, event.label) for event in offered]


class WebhookForm(forms.Form):
    """An address and what it is called for."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("It begins with https://, and answers a POST with a status from 200 to 299."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
        error_messages={"required": _("Write the address that is to be called.")},
    )
    events = _Events(
        label=_("Call it when"),
        error_messages={"required": _("Choose one event or more that the webhook is called for.")},
    )

    def clean_url(self) -> str:
        """Return the address in its normal form, if it may be called from here."""
        try:
            return check_url(self.cleaned_data["url"], settings.NOTICE_ADDRESSES)
        except StudyError as error:
            raise forms.ValidationError(str(error)) from None


class AlarmForm(forms.Form):
    """From when on the quality of the answers is worth a notice."""

    flagged_percent = forms.IntegerField(
        label=_("Annotators that the plan’s rules would newly exclude, in per cent"),
        help_text=_("Of five who have answered, or more. Empty: no alarm of this kind."),
        min_value=1,
        max_value=100,
        required=False,
    )
    failed_percent = forms.IntegerField(
        label=_("Attention checks that were not passed, in per cent"),
        help_text=_("Of ten checks or more. Empty: no alarm of this kind."),
        min_value=1,
        max_value=100,
        required=False,
    )
