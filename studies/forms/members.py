"""Inviting people, and joining by an invitation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from studies.domain.invitations import DAYS
from studies.enums import Role

if TYPE_CHECKING:
    _UserForm = UserCreationForm[User]
else:  # Django's own class takes no parameters at run time
    _UserForm = UserCreationForm

_WORDS = {
    Role.OWNER: _("Owner: everything, members included"),
    Role.EDITOR: _("Editor: designs and runs it"),
    Role.ANALYST: _("Analyst: sees design, pairs and results"),
    Role.MONITOR: _("Monitor: sees how far it is"),
}


def _lengths() -> list[tuple[int, str]]:
    return [(days, ngettext("%(number)s day", "%(number)s days", days) % {"number": days}) for days in DAYS]


class InvitationForm(forms.Form):
    """For whom, as what, for how long."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=[("", _("Choose a role")), *((role.value, words) for role, words in _WORDS.items())],
        error_messages={"required": _("Choose what they will be.")},
    )
    note = forms.CharField(
        label=_("For whom"),
        max_length=80,
        help_text=_("For your list only: a name is enough."),
        required=False,
    )
    days = forms.TypedChoiceField(
        label=_("The link lasts"),
        coerce=int,
        choices=_lengths,
        initial=7,
    )

    def clean_role(self) -> Role:
        """Return the role itself."""
        return Role(self.cleaned_data["role"])


class SiteInvitationForm(InvitationForm):
    """An invitation to the site alone."""

    role = None  # type: ignore[assignment]  # how Django leaves an inherited field out


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role.choices)


class AccountForm(_UserForm):
    """A new account: a name and a password."""

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": _("Name")}
        help_texts = {"username": _("Others see it. Letters, digits and @ . + - _ only.")}
        error_messages = {"username": {"required": _("Choose a name.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = _("At least 8 characters, and none that everybody uses.")
        self.fields["password1"].error_messages["required"] = _("Choose a password.")
        self.fields["password2"].label = _("The password again")
        self.fields["password2"].help_text = ""
        self.fields["password2"].error_messages["required"] = _("Write the password once more.")


class LogForm(forms.Form):
    """What of the log is wanted."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=150)
    action = forms.ChoiceField(label=_("What"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, actions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [("", _("Everything")), *actions]

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it begins."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        return data
