"""Every component in its states, on one page: what a designer looks at and a test walks over."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from generation.spec import Message
from studies.enums import StudyStatus
from studies.views.access import signed_in

_AT = datetime(2023, 6, 30, 17, 15, tzinfo=UTC)
_LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_PICTURE = (
    '<svg viewBox="0 0 480 90" role="img" aria-label="The candidate is preferred in 62 per cent, '
    'interval 55 to 69." class="sample-plot"><g stroke="currentColor" fill="none">'
    '<path d="M240 8v52" stroke-dasharray="4 4"/><path d="M264 34h67" stroke-width="3"/></g>'
    '<circle cx="298" cy="34" r="7" fill="#0072b2"/><g fill="currentColor" font-size="14">'
    '<text x="240" y="82" text-anchor="middle">50 %: no preference</text></g></svg>'
)


class _SampleForm(forms.Form):
    plain = forms.CharField(
        label="A field", help_text="What it is for, before it is filled in.", required=False
    )
    wrong = forms.CharField(
        label="A field with an error", error_messages={"required": "Enter a number of at least 1."}
    )
    choice = forms.ChoiceField(
        label="A choice", choices=[("", "Choose one"), ("a", "The first")], required=False
    )
    words = forms.CharField(label="A longer answer", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    file = forms.FileField(label="A file", required=False)


class _SampleChoices(forms.Form):
    several = forms.MultipleChoiceField(
        label="Several choices",
        help_text="As many as apply.",
        widget=forms.CheckboxSelectMultiple,
        choices=[("a", "The first"), ("b", "The second, which says somewhat more")],
        required=False,
    )


@require_safe
@signed_in
def show(request: HttpRequest) -> HttpResponse:
    """Show the components."""
    context = {
        "statuses": [(status.value, status.label) for status in StudyStatus],
        "form": _SampleForm({"plain": "", "wrong": ""}),
        "choices": _SampleChoices(),
        "form_with_error": SimpleNamespace(non_field_errors=["The two dates are in the wrong order."]),
        "events": _events(),
        "turns": [
            Message("system", "Answer as a pirate."),
            Message("user", f"Tell me about {_LONG}."),
            Message("assistant", "השיב בעברית, מימין לשמאל."),
        ],
        "told": ["Opening freezes the plan.", "96 judgments by about 8 annotators."],
        "picture": mark_safe(_PICTURE),  # noqa: S308 - written above
        "downloads": [("SVG", "#plot"), ("PNG", "#plot"), ("CSV", "#plot")],
        "long": _LONG,
        "code": "study: stay-on-topic\noverlap: 4\n",
        "at": _AT,
    }
    return render(request, "dashboard/components.html", context)


def _events() -> list[SimpleNamespace]:
    done = [
        ("study.opened", "ada", None),
        ("annotator.excluded", "ada", {"annotator": "annotator-0003", "reason": "Every answer within 2 s."}),
        ("study.imported", _LONG, None),
    ]
    return [SimpleNamespace(action=action, actor=actor, after=after, at=_AT) for action, actor, after in done]
