"""The moves in a study's life as buttons: what each is called, what it will do, which verb it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from studies.domain import generating, invites, lifecycle
from studies.domain.errors import StudyError
from studies.domain.estimates import Estimate, estimate
from studies.enums import Ability, StudyStatus
from studies.models import Study
from studies.templatetags.evenhand import count, plural

Verb = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Move:
    """A button, its page of confirmation, and the verb behind it."""

    name: str
    label: str
    question: str
    done: str
    statuses: tuple[StudyStatus, ...]
    verb: Verb
    consequences: Callable[[Estimate], list[str]]
    final: bool = False
    """Whether it cannot be taken back."""
    ability: Ability = Ability.CONDUCT
    asked: str = ""
    """What has to be chosen, when there is a choice."""
    answers: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    """The answers: each a word, its label, and what the verb is then told."""

    def explained(self, study: Study) -> list[str]:
        """Return what the move will do to ``study``, a sentence each."""
        return self.consequences(estimate(study))

    def told(self, chosen: str) -> dict[str, Any]:
        """Return what the verb is told besides, after somebody ``chosen`` an answer."""
        if not self.answers:
            return {}
        for word, _label, told in self.answers:
            if word == chosen:
                return told
        raise StudyError(
            gettext("Nothing was changed, because nothing was chosen: %(asked)s")
            % {"asked": gettext(self.asked)}
        )


def judgments_in_words(size: Estimate) -> str:
    """Return how much annotators are asked for: the sentence that opening is decided by."""
    judgments = plural(size.judgments, "judgment judgments")
    if size.criteria > 1:
        judgments += gettext(" on each of %(criteria)s criteria") % {"criteria": size.criteria}
    return gettext("%(judgments)s by about %(annotators)s") % {
        "judgments": judgments,
        "annotators": plural(size.annotators, "annotator annotators"),
    }


def _generate(size: Estimate) -> list[str]:
    return [
        gettext("The workers write %(completions)s: %(arms)s, %(prompts)s")
        % {
            "completions": plural(size.completions, "completion completions"),
            "arms": plural(size.arms, "arm arms"),
            "prompts": plural(size.prompts, "prompt prompts"),
        }
        + (
            gettext(", %(replicates)s replicates.") % {"replicates": size.replicates}
            if size.replicates > 1
            else "."
        ),
        gettext("You can leave the page; what is written stays, whatever happens to a worker."),
    ]


def _open(size: Estimate) -> list[str]:
    told = [
        gettext("Opening freezes the plan: arms, prompts, criteria and settings can no longer change."),
        gettext("%(judgments_in_words)s: %(shown)s, each judged %(overlap)s times.")
        % {
            "judgments_in_words": judgments_in_words(size),
            "shown": plural(size.shown, "pair pairs"),
            "overlap": size.overlap,
        },
        gettext("Whoever has the annotators’ link can take part."),
    ]
    if size.identical:
        told.insert(
            2,
            ngettext(
                "%(number)s pair has the same text twice: recorded as an automatic tie, not shown.",
                "%(number)s pairs have the same text twice: recorded as automatic ties, not shown.",
                size.identical,
            )
            % {"number": count(size.identical)},
        )
    return told


def _retry(_: Estimate) -> list[str]:
    return [
        gettext("The completions that failed are asked for again; those that are there stay as they are.")
    ]


def _pause_generation(_: Estimate) -> list[str]:
    return [
        gettext("The workers put aside what they have in hand and begin nothing more, within a few seconds."),
        gettext("What is written stays. What was half written is begun anew later, and comes out the same."),
    ]


def _resume_generation(_: Estimate) -> list[str]:
    return [gettext("The workers go on with what is left.")]


def _cancel_generation(_: Estimate) -> list[str]:
    return [
        gettext("The workers stop within a few seconds, and the study is a draft again."),
        gettext(
            "Imported completions stay. A study file that is imported anew with changes replaces them all."
        ),
    ]


def _pause(_: Estimate) -> list[str]:
    return [
        gettext("Nobody is given another comparison until you resume."),
        gettext("Whoever has one on the screen can still answer it."),
    ]


def _resume(_: Estimate) -> list[str]:
    return [gettext("Annotators are given comparisons again, through the same link.")]


def _renew_link(_: Estimate) -> list[str]:
    return [
        gettext("The link that was sent out lets nobody in any more."),
        gettext("The study’s page shows the new link as long as the study is open."),
        gettext("Whoever has begun goes on by the old link, to the completion code."),
    ]


def _close(_: Estimate) -> list[str]:
    return [
        gettext("No further answer is taken. A closed study cannot be opened again."),
        gettext("Which arm wrote which response becomes visible, and so do the results."),
    ]


def _archive(_: Estimate) -> list[str]:
    return [gettext("The study can still be read and downloaded; exclusions can no longer change.")]


_ALL = (
    Move(
        "generate",
        _("Start generating"),
        _("Start generating?"),
        _("Generation has started."),
        (StudyStatus.DRAFT,),
        lifecycle.start_generation,
        _generate,
        ability=Ability.GENERATE,
    ),
    Move(
        "retry",
        _("Retry the failed ones"),
        _("Retry the failed completions?"),
        _("The failed completions are asked for again."),
        (StudyStatus.GENERATING, StudyStatus.OPEN, StudyStatus.PAUSED),
        generating.retry_generation,
        _retry,
        ability=Ability.GENERATE,
    ),
    Move(
        "pause-generation",
        _("Pause generation"),
        _("Pause the generation?"),
        _("Generation is paused."),
        (StudyStatus.GENERATING,),
        generating.pause_generation,
        _pause_generation,
        ability=Ability.GENERATE,
    ),
    Move(
        "resume-generation",
        _("Resume generation"),
        _("Resume the generation?"),
        _("Generation goes on."),
        (StudyStatus.GENERATING,),
        generating.resume_generation,
        _resume_generation,
        ability=Ability.GENERATE,
    ),
    Move(
        "cancel-generation",
        _("Cancel generation"),
        _("Cancel the generation?"),
        _("Generation is cancelled. The study is a draft again."),
        (StudyStatus.GENERATING,),
        generating.cancel_generation,
        _cancel_generation,
        ability=Ability.GENERATE,
        asked=_("What becomes of the finished completions?"),
        answers=(
            ("keep", _("Keep them: the next generation writes only the others"), {"keep_finished": True}),
            ("drop", _("Delete them"), {"keep_finished": False}),
        ),
    ),
    Move(
        "open",
        _("Open study"),
        _("Open this study?"),
        _("The study is open. Send annotators the link."),
        (StudyStatus.READY,),
        lifecycle.open_study,
        _open,
        final=True,
    ),
    Move(
        "pause",
        _("Pause"),
        _("Pause this study?"),
        _("The study is paused."),
        (StudyStatus.OPEN,),
        lifecycle.pause_study,
        _pause,
    ),
    Move(
        "resume",
        _("Resume"),
        _("Resume this study?"),
        _("The study is open again."),
        (StudyStatus.PAUSED,),
        lifecycle.resume_study,
        _resume,
    ),
    Move(
        "renew-link",
        _("Withdraw the link"),
        _("Withdraw the annotators’ link and make another?"),
        _("The old link is withdrawn. Send newcomers the one that is shown now."),
        (StudyStatus.OPEN, StudyStatus.PAUSED),
        invites.renew_invite,
        _renew_link,
        final=True,
    ),
    Move(
        "close",
        _("Close study"),
        _("Close this study for good?"),
        _("The study is closed. The report can be read."),
        (StudyStatus.OPEN, StudyStatus.PAUSED),
        lifecycle.close_study,
        _close,
        final=True,
    ),
    Move(
        "archive",
        _("Archive"),
        _("Archive this study?"),
        _("The study is archived."),
        (StudyStatus.CLOSED,),
        lifecycle.archive_study,
        _archive,
        final=True,
    ),
)
MOVES: dict[str, Move] = {move.name: move for move in _ALL}
