"""The one door between the frames: slots (A, B) on the screen, arms (candidate, baseline) in reports."""

from __future__ import annotations

from dataclasses import dataclass

from studies.analysis.answers import parsed_answer
from studies.enums import Choice, Family, Frame, Outcome, Slot
from studies.models import Assignment, Comparison


@dataclass(frozen=True, slots=True)
class Response:
    """A completion as an annotator sees it. It has no arm, so a page cannot leak one."""

    slot: Slot
    text: str
    answer: str = ""
    """Of a chain of thought, the answer that it comes to, as the study's marker tells it."""


def responses(assignment: Assignment) -> tuple[Response, Response]:
    """Return what stands in slot A and in slot B."""
    comparison = assignment.comparison
    texts = tuple(_shown(comparison, frame) for frame in Frame)
    if assignment.candidate_slot == Slot.B:
        texts = texts[::-1]
    first, second = (_answer(comparison, text) for text in texts)
    return Response(Slot.A, texts[0], first), Response(Slot.B, texts[1], second)


def _answer(comparison: Comparison, text: str) -> str:
    """Return the answer of a chain of thought; nothing of any other text."""
    thought = comparison.prompt.family == Family.CHAIN_OF_THOUGHT
    return parsed_answer(text, comparison.study.answer_marker) if thought else ""


def _shown(comparison: Comparison, frame: Frame) -> str:
    if comparison.replaced == frame:
        return comparison.decoy
    if comparison.intact:
        return comparison.intact
    return comparison.candidate.text if frame is Frame.CANDIDATE else comparison.baseline.text


def passed(choice: str, *, candidate_slot: str, replaced: str) -> bool:
    """Return whether an answer to an attention check prefers the response that was left intact."""
    intact = Outcome.LOSS if replaced == Frame.CANDIDATE else Outcome.WIN
    return unblind(choice, candidate_slot=candidate_slot) is intact


def unblind(choice: str, *, candidate_slot: str) -> Outcome:
    """Return what a choice says of the candidate. Both bad is no preference, hence a tie."""
    if choice in (Choice.TIE, Choice.BOTH_BAD):
        return Outcome.TIE
    return Outcome.WIN if choice == candidate_slot else Outcome.LOSS


def signed_strength(choice: str, strength: int | None, *, candidate_slot: str) -> int | None:
    """Return degrees of preference, positive for the candidate; None on an ungraded scale."""
    if strength is None:
        return None
    return -strength if unblind(choice, candidate_slot=candidate_slot) is Outcome.LOSS else strength
