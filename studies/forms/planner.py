"""What the planner is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise, StrPromise

WISHES = (
    ("power", _("Power: the chance to show the win rate")),
    ("margin", _("Margin: half the interval’s width")),
)


def _share(label: StrPromise, initial: float, help_text: StrOrPromise = "") -> forms.FloatField:
    return forms.FloatField(label=label, min_value=0, max_value=1, initial=initial, help_text=help_text)


class PlannerForm(forms.Form):
    """The wish, the assumptions behind it, and what a judgment costs."""

    wish = forms.ChoiceField(label=_("What you wish for"), choices=WISHES, initial="power")
    power = _share(_("Power"), 0.8, _("0.8 is usual."))
    margin = _share(_("Margin"), 0.05, _("0.05 is 5 points of the win rate."))
    win_rate = _share(_("Expected win rate"), 0.6, _("The smallest that would matter to you."))
    tie_rate = _share(_("Tie rate"), 0.1)
    rho_annotators = _share(_("Likeness within annotators"), 0.05, _("0.05 where nothing is known."))
    rho_prompts = _share(_("Likeness within prompts"), 0.05, _("0.05 where nothing is known."))
    annotators = forms.IntegerField(label=_("Annotators"), min_value=2, max_value=1_000, initial=40)
    overlap = forms.IntegerField(label=_("Judgments per comparison (k)"), min_value=1, max_value=1_000)
    seconds = forms.FloatField(label=_("Seconds per judgment"), min_value=1, max_value=3_600, initial=45)
    hourly = forms.FloatField(label=_("Reward per hour"), min_value=0, max_value=1_000, initial=12)
    fair = forms.FloatField(
        label=_("Fair pay per hour"),
        min_value=0,
        max_value=1_000,
        initial=12,
        help_text=_("Where your annotators live: the line to stay above. Same currency."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a win rate that cannot be tested."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("wish") == "power" and data.get("win_rate") in (0.5, 0.0, 1.0):
            self.add_error("win_rate", _("Power needs a win rate between 0 and 1 that is not 0.5."))
        if data.get("wish") == "margin" and data.get("margin") == 0:
            self.add_error("margin", _("An interval has some width: wish for more than 0."))
        return data
