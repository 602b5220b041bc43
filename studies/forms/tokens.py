"""Making a token for programs."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from studies.domain.tokens import DAYS
from studies.enums import Scope


def _lengths() -> list[tuple[int, str]]:
    return [(days, ngettext("%(number)s day", "%(number)s days", days) % {"number": days}) for days in DAYS]


def _scopes() -> list[tuple[str, str]]:
    return [(scope.value, gettext(scope.label)) for scope in Scope]


class TokenForm(forms.Form):
    """What it is for, what it may be used for, how long it lasts."""

    name = forms.CharField(
        label=_("What it is for"),
        max_length=80,
        help_text=_("For your list only, such as “nightly backup”."),
        error_messages={"required": _("Say what it is for.")},
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=_scopes,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Never more than your own roles allow."),
        error_messages={"required": _("Choose one or more.")},
    )
    days = forms.TypedChoiceField(label=_("It lasts"), coerce=int, choices=_lengths, initial=90)

    def clean_scopes(self) -> list[Scope]:
        """Return the scopes themselves."""
        return [Scope(word) for word in self.cleaned_data["scopes"]]
