"""Leaving pairs out of a plan, putting them back, drawing them anew: a page that asks, then the verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_http_methods

from studies import queries
from studies.analysis.text_flags import FLAGS
from studies.domain import leaving_out
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.forms.pairs import ReasonForm
from studies.models import Study
from studies.templatetags.evenhand import plural
from studies.views.access import require, study_view
from studies.views.common import actor_of

_OF_ONE_TEXT = {name: words for name, words in FLAGS.items() if name != "identical"}
_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PairChange:
    """A change of pairs before a study opens."""

    name: str
    label: str
    told: tuple[str, ...]
    verb: Callable[..., str]


def _leave_out(*, study: Study, comparisons: list[int], reason: str, actor: str) -> str:
    number = leaving_out.leave_out(study=study, comparisons=comparisons, reason=reason, actor=actor)
    return gettext("%(number)s left out of the plan.") % {"number": plural(number, "pair pairs")}


def _put_back(*, study: Study, comparisons: list[int], reason: str, actor: str) -> str:
    del reason
    number = leaving_out.put_back(study=study, comparisons=comparisons, actor=actor)
    return gettext("%(number)s put back into the plan.") % {"number": plural(number, "pair pairs")}


def _redraw(*, study: Study, comparisons: list[int], reason: str, actor: str) -> str:
    made = leaving_out.redraw(study=study, comparisons=comparisons, reason=reason, actor=actor)
    return " ".join(
        [
            gettext("%(drawn)s asked for anew.") % {"drawn": plural(made.drawn, "response responses")},
            *made.kept,
        ]
    )


CHANGES = {
    change.name: change
    for change in (
        PairChange(
            "exclude",
            _("Exclude"),
            (
                _("No annotator meets what is excluded, and it enters no result."),
                _("It can be put back until the study opens."),
            ),
            _leave_out,
        ),
        PairChange("include", _("Put back"), (_("Annotators meet it again, as any other."),), _put_back),
        PairChange(
            "redraw",
            _("Draw anew"),
            (
                _("The flagged responses are written again with another seed; without a flag, both are."),
                _("The old texts stay in the log. The study is ready again when the new ones are there."),
            ),
            _redraw,
        ),
    )
}


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.EDIT)
def change_pairs(request: HttpRequest, study: Study, name: str) -> HttpResponse:
    """Ask for the reason (GET), then do it (POST), for the pairs that the address names."""
    change = CHANGES.get(name)
    if change is None:
        message = gettext("There is no such change.")
        raise Http404(message)
    chosen = _chosen(request, study)
    posted = request.method == "POST"
    form = ReasonForm(request.POST if posted else None, initial={"reason": _flag_words(request)})
    if posted and (form.is_valid() or change.name == "include"):
        reason = form.cleaned_data.get("reason", "")
        try:
            said = change.verb(study=study, comparisons=chosen, reason=reason, actor=actor_of(request))
        except StudyError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, said)
        return redirect("studies:pairs", study.slug)
    context = {"study": study, "tab": "pairs", "change": change, "number": len(chosen), "form": form}
    return render(request, "dashboard/pair_change.html", context, status=422 if posted else 200)


def _chosen(request: HttpRequest, study: Study) -> list[int]:
    """Return the pairs of the address: those named, or all that have a flag."""
    flag = request.GET.get("flag", "")
    if flag:
        return queries.pair_keys(study, flag=flag)
    named = request.GET.getlist("pair")
    return [int(key) for key in named if key.isascii() and key.isdigit() and int(key) <= _LARGEST_KEY]


def _flag_words(request: HttpRequest) -> str:
    flag = request.GET.get("flag", "")
    return "Flagged by the quality scan." if flag == "any" else FLAGS.get(flag, "")


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_PAIRS)
def scan_by_arm(request: HttpRequest, study: Study) -> HttpResponse:
    """Show what the scan found in each arm; before closing only to who says so, and the log keeps it."""
    asked = request.method == "POST"
    if asked and not study.unblinded:
        require(request, study, Ability.UNBLIND_EARLY if study.frozen else Ability.TRY_OUT)
        record_event(actor=actor_of(request), action="scan.unblinded", study=study)
    context = {"study": study, "tab": "pairs", "flags": _OF_ONE_TEXT}
    if asked or study.unblinded:
        context["arms"] = queries.scan(study).by_arm.values()
    return render(request, "dashboard/scan_by_arm.html", context)
