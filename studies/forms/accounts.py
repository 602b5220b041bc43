"""What people write about their own accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    _AddressForm = forms.ModelForm[User]
else:  # Django's own class takes no parameters at run time
    _AddressForm = forms.ModelForm


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(
        label=_("Code"),
        max_length=16,
        help_text=_("Six digits of your app, or one of your recovery codes."),
        error_messages={"required": _("Write the code.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )

    def clean_code(self) -> str:
        """Leave out the spaces that people write between groups."""
        return "".join(str(self.cleaned_data["code"]).split()).lower()


class AddressForm(_AddressForm):
    """Where a link to a new password is sent."""

    class Meta:
        model = User
        fields = ("email",)
        labels = {"email": _("E-mail address")}
        help_texts = {
            "email": _("For links to a new password, and for the notices that you choose. May be left empty.")
        }
