"""The moves in a study's life as buttons: what each is called, what it will do, which verb it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import ngettext

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
        for word, _, told in self.answers:
            if word == chosen:
                return told
        raise StudyError(f"Nothing was changed, because nothing was chosen: {self.asked}")


def judgments_in_words(size: Estimate) -> str:
    """Return how much annotators are asked for: the sentence that opening is decided by."""
    judgments = plural(size.judgments, "judgment judgments")
    if size.criteria > 1:
        judgments += f" on each of {size.criteria} criteria"
    return f"{judgments} by about {plural(size.annotators, 'annotator annotators')}"


def _generate(size: Estimate) -> list[str]:
    return [
        f"The workers write {plural(size.completions, 'completion completions')}: "
        f"{plural(size.arms, 'arm arms')}, {plural(size.prompts, 'prompt prompts')}"
        + (f", {size.replicates} replicates." if size.replicates > 1 else "."),
        "You can leave the page; what is written stays, whatever happens to a worker.",
    ]


def _open(size: Estimate) -> list[str]:
    told = [
        "Opening freezes the plan: arms, prompts, criteria and settings can no longer change.",
        f"{judgments_in_words(size)}: {plural(size.shown, 'pair pairs')}, each judged {size.overlap} times.",
        "Whoever has the annotators’ link can take part.",
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
    return ["The completions that failed are asked for again; those that are there stay as they are."]


def _pause_generation(_: Estimate) -> list[str]:
    return [
        "The workers put aside what they have in hand and begin nothing more, within a few seconds.",
        "What is written stays. What was half written is begun anew later, and comes out the same.",
    ]


def _resume_generation(_: Estimate) -> list[str]:
    return ["The workers go on with what is left."]


def _cancel_generation(_: Estimate) -> list[str]:
    return [
        "The workers stop within a few seconds, and the study is a draft again.",
        "Imported completions stay. A study file that is imported anew with changes replaces them all.",
    ]


def _pause(_: Estimate) -> list[str]:
    return [
        "Nobody is given another comparison until you resume.",
        "Whoever has one on the screen can still answer it.",
    ]


def _resume(_: Estimate) -> list[str]:
    return ["Annotators are given comparisons again, through the same link."]


def _renew_link(_: Estimate) -> list[str]:
    return [
        "The link that was sent out lets nobody in any more.",
        "The study’s page shows the new link as long as the study is open.",
        "Whoever has begun goes on by the old link, to the completion code.",
    ]


def _close(_: Estimate) -> list[str]:
    return [
        "No further answer is taken. A closed study cannot be opened again.",
        "Which arm wrote which response becomes visible, and so do the results.",
    ]


def _archive(_: Estimate) -> list[str]:
    return ["The study can still be read and downloaded; exclusions can no longer change."]


_ALL = (
    Move(
        "generate",
        "Start generating",
        "Start generating?",
        "Generation has started.",
        (StudyStatus.DRAFT,),
        lifecycle.start_generation,
        _generate,
        ability=Ability.GENERATE,
    ),
    Move(
        "retry",
        "Retry the failed ones",
        "Retry the failed completions?",
        "The failed completions are asked for again.",
        (StudyStatus.GENERATING,),
        generating.retry_generation,
        _retry,
        ability=Ability.GENERATE,
    ),
    Move(
        "pause-generation",
        "Pause generation",
        "Pause the generation?",
        "Generation is paused.",
        (StudyStatus.GENERATING,),
        generating.pause_generation,
        _pause_generation,
        ability=Ability.GENERATE,
    ),
    Move(
        "resume-generation",
        "Resume generation",
        "Resume the generation?",
        "Generation goes on.",
        (StudyStatus.GENERATING,),
        generating.resume_generation,
        _resume_generation,
        ability=Ability.GENERATE,
    ),
    Move(
        "cancel-generation",
        "Cancel generation",
        "Cancel the generation?",
        "Generation is cancelled. The study is a draft again.",
        (StudyStatus.GENERATING,),
        generating.cancel_generation,
        _cancel_generation,
        ability=Ability.GENERATE,
        asked="What becomes of the finished completions?",
        answers=(
            ("keep", "Keep them: the next generation writes only the others", {"keep_finished": True}),
            ("drop", "Delete them", {"keep_finished": False}),
        ),
    ),
    Move(
        "open",
        "Open study",
        "Open this study?",
        "The study is open. Send annotators the link.",
        (StudyStatus.READY,),
        lifecycle.open_study,
        _open,
        final=True,
    ),
    Move(
        "pause",
        "Pause",
        "Pause this study?",
        "The study is paused.",
        (StudyStatus.OPEN,),
        lifecycle.pause_study,
        _pause,
    ),
    Move(
        "resume",
        "Resume",
        "Resume this study?",
        "The study is open again.",
        (StudyStatus.PAUSED,),
        lifecycle.resume_study,
        _resume,
    ),
    Move(
        "renew-link",
        "Withdraw the link",
        "Withdraw the annotators’ link and make another?",
        "The old link is withdrawn. Send newcomers the one that is shown now.",
        (StudyStatus.OPEN, StudyStatus.PAUSED),
        invites.renew_invite,
        _renew_link,
        final=True,
    ),
    Move(
        "close",
        "Close study",
        "Close this study for good?",
        "The study is closed. The report can be read.",
        (StudyStatus.OPEN, StudyStatus.PAUSED),
        lifecycle.close_study,
        _close,
        final=True,
    ),
    Move(
        "archive",
        "Archive",
        "Archive this study?",
        "The study is archived.",
        (StudyStatus.CLOSED,),
        lifecycle.archive_study,
        _archive,
        final=True,
    ),
)
MOVES: dict[str, Move] = {move.name: move for move in _ALL}
