"""What a researcher should do next: one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from studies.domain.estimates import Estimate
from studies.domain.lifecycle import missing_completions
from studies.enums import Ability, StudyStatus
from studies.models import Study
from studies.queries import SlotCounts
from studies.views.moves import MOVES, Move, judgments_in_words

_TITLES: dict[str, object] = {
    StudyStatus.DRAFT: _("Generate the completions"),
    StudyStatus.GENERATING: _("Completions are being written"),
    StudyStatus.READY: _("Look at the pairs, then open"),
    StudyStatus.OPEN: _("Collect judgments"),
    StudyStatus.PAUSED: _("Resume or close"),
    StudyStatus.CLOSED: _("Read the report"),
    StudyStatus.ARCHIVED: _("Read the report"),
}


_WATCHED: dict[str, tuple[object, object]] = {
    StudyStatus.DRAFT: (_("Not begun yet"), _("Its owner or an editor has the completions written.")),
    StudyStatus.GENERATING: (
        _("Completions are being written"),
        _("When all are there, its owner or an editor can open the study."),
    ),
    StudyStatus.READY: (_("Ready to open"), _("Its owner or an editor opens it to annotators.")),
    StudyStatus.OPEN: (
        _("Judgments are being collected"),
        _("Annotators come by a link from its owner or an editor."),
    ),
    StudyStatus.PAUSED: (
        _("Paused"),
        _("Nobody is given a comparison until its owner or an editor resumes it."),
    ),
    StudyStatus.CLOSED: (
        _("The answers are in"),
        _("The study is closed; who sees its results can read the report."),
    ),
    StudyStatus.ARCHIVED: (
        _("The answers are in"),
        _("The study is closed; who sees its results can read the report."),
    ),
}
"""What somebody reads who may watch the study and not conduct it."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Why, the one primary action, and the lesser ones; its heading is `next_title`."""

    words: str
    move: Move | None = None
    page: tuple[str, str] | None = None
    """The name of a page and the words of its link, when there is something to look at."""
    ability: Ability = Ability.SEE_PAIRS
    """What the page takes."""
    others: tuple[Move, ...] = ()


def watched_step(study: Study) -> dict[str, str]:
    """Return where the study stands, for somebody who cannot do the next step."""
    title, words = _WATCHED[study.status]
    return {"title": str(title), "words": str(words)}


def next_title(study: Study, slots: SlotCounts, *, broken: bool, held: bool = False) -> str:
    """Return what to do next, in a few words.

    ``broken``: something of the generation failed. ``held``: it is paused.
    """
    if held and study.status == StudyStatus.GENERATING:
        return gettext("Generation is paused")
    if broken and study.status == StudyStatus.GENERATING:
        return gettext("Retry what failed")
    if slots.full and study.status == StudyStatus.OPEN:
        return gettext("Close the study")
    return str(_TITLES[study.status])


def next_step(
    study: Study, slots: SlotCounts, size: Estimate, *, broken: bool, held: bool = False
) -> NextStep:
    """Return what to do next with ``study``, what it will do, and the button for it."""
    match study.status:
        case StudyStatus.DRAFT:
            return _draft(study, size)
        case StudyStatus.GENERATING:
            return _generating(study, broken=broken, held=held)
        case StudyStatus.READY:
            words = gettext("Opening freezes the plan. %(judgments_in_words)s.") % {
                "judgments_in_words": judgments_in_words(size)
            }
            return NextStep(words, move=MOVES["open"], page=("studies:pairs", gettext("Look at the pairs")))
        case StudyStatus.OPEN:
            return _open(slots)
        case StudyStatus.PAUSED:
            words = gettext("Nobody is given a comparison until you resume.")
            return NextStep(words, move=MOVES["resume"], others=(MOVES["renew-link"], MOVES["close"]))
        case _:
            return _closed(study)


def _draft(study: Study, size: Estimate) -> NextStep:
    words = gettext("%(completions)s completions: %(arms)s arms, %(prompts)s prompts.") % {
        "completions": size.completions,
        "arms": size.arms,
        "prompts": size.prompts,
    }
    given = missing_completions(study, given=True)
    if given:
        return _uploading(f"{words} {_to_upload(given)}", move=MOVES["generate"])
    if not missing_completions(study):
        words = str(_("All completions are there: starting pairs them at once."))
    return NextStep(words, move=MOVES["generate"])


def _to_upload(number: int) -> str:
    told = ngettext("%(number)s of them is to be uploaded.", "%(number)s of them are to be uploaded.", number)
    return told % {"number": f"{number:,}"}


def _uploading(words: str, **moves: Any) -> NextStep:
    page = "studies:completions", str(_("Upload completions"))
    return NextStep(words, page=page, ability=Ability.EDIT, **moves)


def _generating(study: Study, *, broken: bool, held: bool) -> NextStep:
    pause, cancel = MOVES["pause-generation"], MOVES["cancel-generation"]
    if held:
        words = gettext("The workers write nothing of this study until you resume. What is done stays.")
        return NextStep(words, move=MOVES["resume-generation"], others=(cancel,))
    if broken:
        words = gettext("Something could not be done; the reason is below.")
        return NextStep(words, move=MOVES["retry"], others=(pause, cancel))
    given = missing_completions(study, given=True)
    if given:
        words = ngettext(
            "%(number)s completion is to be uploaded.", "%(number)s completions are to be uploaded.", given
        )
        return _uploading(words % {"number": f"{given:,}"}, others=(pause, cancel))
    words = gettext("Nothing to do: when all are there, this page offers to open the study.")
    return NextStep(words, others=(pause, cancel))


def _open(slots: SlotCounts) -> NextStep:
    if slots.full:
        words = gettext("Every planned judgment is there. Closing unblinds the arms and makes the report.")
        return NextStep(words, move=MOVES["close"], others=(MOVES["pause"],))
    words = gettext("Send annotators this link. Each is led from consent to the completion code.")
    return NextStep(words, others=(MOVES["pause"], MOVES["renew-link"], MOVES["close"]))


def _closed(study: Study) -> NextStep:
    others = (MOVES["archive"],) if study.status == StudyStatus.CLOSED else ()
    words = gettext("The answers are in and the arms are unblinded.")
    return NextStep(words, page=("studies:report", gettext("Read the report")), others=others)
