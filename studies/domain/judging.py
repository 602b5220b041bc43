"""Answers, in the frame of the screen (slots A and B), and taking the last one back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from studies.domain.assignment import open_row, release
from studies.domain.audit import record_event
from studies.domain.criteria import criteria_of
from studies.domain.errors import StudyError
from studies.domain.locks import held_status, lock_annotator
from studies.domain.own_rows import lease_end
from studies.enums import CHOICES, STRENGTHS, AnnotatorStatus, Choice, StudyStatus
from studies.models import Annotator, Assignment, Criterion, Judgment, Study


class Receipt(Enum):
    """What became of an answer."""

    SAVED = auto()
    """Stored now."""
    REPEATED = auto()
    """This very submission had been stored before."""
    ALREADY = auto()
    """The comparison had been answered before, from another page; that answer stands."""
    TAKEN = auto()
    """The lease ran out and the row went to somebody else; not counted."""
    CLOSED = auto()
    """The study has ended; not counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an annotator said to one criterion."""

    choice: str
    strength: int | None = None
    """Degrees on a graded scale, 0 for the middle; None on an ungraded one."""
    reason: str = ""
    ticked: tuple[str, ...] = ()
    """Reasons ticked, of those the study offers."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One press of the button."""

    assignment_key: UUID
    answers: Mapping[str, Answer]
    """By the criterion's name."""
    key: UUID
    """The browser's idempotency key."""
    active_ms: int | None = None


def submit(*, annotator: Annotator, submission: Submission, now: datetime) -> Receipt:
    """Store one answer for each criterion, once, whatever the network repeats.

    A row whose lease ran out still takes the answer as long as nobody else holds it. A paused
    study takes the answers to what was on screen. An unknown row raises `Assignment.DoesNotExist`.
    """
    try:
        with transaction.atomic():
            return _submit(lock_annotator(annotator, hold_study=True), submission, now)
    except IntegrityError as error:
        message = _("This page was used for another comparison. Reload it and answer again.")
        raise StudyError(message) from error


def _submit(annotator: Annotator, submission: Submission, now: datetime) -> Receipt:
    status = annotator.study.status
    rows = Assignment.objects.select_for_update(of=("self",))
    row = rows.get(key=submission.assignment_key, study=annotator.study)
    if row.annotator_id != annotator.pk:
        return Receipt.TAKEN
    if row.submitted_at is not None:
        again = row.judgments.filter(key=submission.key).exists()
        return Receipt.REPEATED if again else Receipt.ALREADY
    if status not in (StudyStatus.OPEN, StudyStatus.PAUSED):
        return Receipt.CLOSED
    Judgment.objects.bulk_create(_judgments(row, annotator.study, submission, now))
    Assignment.objects.filter(pk=row.pk).update(submitted_at=now)
    return Receipt.SAVED


def _judgments(row: Assignment, study: Study, submission: Submission, now: datetime) -> list[Judgment]:
    criteria = {criterion.name: criterion for criterion in criteria_of(study)}
    unknown = sorted(submission.answers.keys() - criteria.keys())
    if unknown:
        message = _("This study does not ask “%(question)s”. Reload the page.") % {"question": unknown[0]}
        raise StudyError(message)
    return [_judgment(row, criterion, submission, now) for criterion in criteria.values()]


def _judgment(row: Assignment, criterion: Criterion, submission: Submission, now: datetime) -> Judgment:
    answer = submission.answers.get(criterion.name)
    if answer is None:
        message = _("Please answer “%(question)s”.") % {"question": criterion.question}
        raise StudyError(message)
    if not offered(criterion.scale, answer):
        message = _("“%(question)s” does not offer that answer. Choose one of those shown.") % {
            "question": criterion.question
        }
        raise StudyError(message)
    return Judgment(
        assignment=row,
        criterion=criterion,
        choice=answer.choice,
        strength=answer.strength,
        reason=answer.reason,
        ticked=list(answer.ticked),
        active_ms=submission.active_ms,
        key=submission.key,
        submitted_at=now,
    )


def offered(scale: str, answer: Answer) -> bool:
    """Return whether a scale offers an answer: its choice, to that degree."""
    if answer.choice not in CHOICES[scale]:  # type: ignore[index]
        return False
    degrees = STRENGTHS.get(scale)  # type: ignore[call-overload]
    if degrees is None:
        return answer.strength is None
    if answer.choice == Choice.TIE:
        return answer.strength == 0
    return answer.strength is not None and 1 <= answer.strength <= degrees


def last_answered(annotator: Annotator) -> Assignment | None:
    """Return the row an annotator answered last."""
    answered = Assignment.objects.filter(annotator=annotator, submitted_at__isnull=False)
    return answered.select_related("comparison").order_by("-submitted_at", "-pk").first()


@transaction.atomic
def undo_last(*, annotator: Annotator, assignment_key: UUID, now: datetime) -> bool:
    """Take the last answer back: it is logged, deleted, and the row is leased to its annotator again.

    The caller names the row it means, so that pressing twice takes back one. The row on screen goes
    back to the plan, because an annotator holds one at a time. False when the row named is not the
    last one, or the study is not open.
    """
    annotator = lock_annotator(annotator)
    if held_status(annotator.study) != StudyStatus.OPEN:
        return False
    held = open_row(annotator)
    if held is not None and held.key == assignment_key:
        return True
    last = last_answered(annotator)
    if last is None or last.key != assignment_key:
        return False
    if held is not None:
        release(held)
    before = [
        _told(judgment) for judgment in last.judgments.select_related("criterion").order_by("criterion")
    ]
    last.judgments.all().delete()
    last.submitted_at = None
    last.leased_at = now
    last.lease_expires_at = lease_end(last, now, minutes=annotator.study.lease_minutes)
    last.save(update_fields=["submitted_at", "leased_at", "lease_expires_at"])
    Annotator.objects.filter(pk=annotator.pk).update(
        status=AnnotatorStatus.ACTIVE, finished_at=None, compared_at=None
    )
    record_event(
        actor=annotator.pseudonym,
        action="judgment.undone",
        study=annotator.study,
        before={"assignment": str(last.key), "judgments": before},
    )
    return True


def _told(judgment: Judgment) -> dict[str, Any]:
    """Return a judgment as the log keeps it."""
    return {
        "criterion": judgment.criterion.name,
        "choice": judgment.choice,
        "strength": judgment.strength,
        "reason": judgment.reason,
        "ticked": judgment.ticked,
        "active_ms": judgment.active_ms,
        "key": str(judgment.key),
        "submitted_at": judgment.submitted_at.isoformat(),
    }
