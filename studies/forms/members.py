"""Inviting people, and joining by an invitation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User

from studies.domain.invitations import DAYS
from studies.enums import Role

if TYPE_CHECKING:
    _UserForm = UserCreationForm[User]
else:  # Django's own class takes no parameters at run time
    _UserForm = UserCreationForm

_WORDS = {
    Role.OWNER: "Owner: everything, members included",
    Role.EDITOR: "Editor: designs and runs it",
    Role.ANALYST: "Analyst: sees design, pairs and results",
    Role.MONITOR: "Monitor: sees how far it is",
}


class InvitationForm(forms.Form):
    """For whom, as what, for how long."""

    role = forms.ChoiceField(
        label="Role",
        choices=[("", "Choose a role"), *((role.value, words) for role, words in _WORDS.items())],
        error_messages={"required": "Choose what they will be."},
    )
    note = forms.CharField(
        label="For whom", max_length=80, help_text="For your list only: a name is enough.", required=False
    )
    days = forms.TypedChoiceField(
        label="The link lasts",
        coerce=int,
        choices=[(days, f"{days} day{'s' if days > 1 else ''}") for days in DAYS],
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
        labels = {"username": "Name"}
        help_texts = {"username": "Others see it. Letters, digits and @ . + - _ only."}
        error_messages = {"username": {"required": "Choose a name."}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = "At least 8 characters, and none that everybody uses."
        self.fields["password1"].error_messages["required"] = "Choose a password."
        self.fields["password2"].label = "The password again"
        self.fields["password2"].help_text = ""
        self.fields["password2"].error_messages["required"] = "Write the password once more."


class LogForm(forms.Form):
    """What of the log is wanted."""

    actor = forms.CharField(label="Who", required=False, max_length=150)
    action = forms.ChoiceField(label="What", required=False)
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, actions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [("", "Everything"), *actions]

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it begins."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", "This day is before the first one.")
        return data
