"""Who judges what next. Claiming one of the planned rows is the only way to be served."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from studies.domain.errors import StudyError
from studies.domain.free_rows import Candidate, History, candidates, history, left, take
from studies.domain.locks import held_status, lock_annotator
from studies.domain.own_rows import serve_own, to_come
from studies.enums import Kind, Slot, StudyStatus
from studies.models import Annotator, Assignment, Skip

_ATTEMPTS = 10
_FIRST_PAUSE = 0.002
_SHOWN = ("comparison__prompt", "comparison__candidate", "comparison__baseline")
# What is read at every cycle, and no more: completions have long columns, and rows have many.
_NEEDED = (
    *("key", "study", "annotator", "candidate_slot", "leased_at", "lease_expires_at", "submitted_at"),
    *(f"comparison__{column}" for column in ("kind", "decoy", "intact", "asked", "replaced")),
    *(f"comparison__{part}" for part in ("prompt__messages", "prompt__text", "prompt__family")),
    *(f"comparison__{part}__text" for part in ("candidate", "baseline")),
)
_MOST_TRIED = 12
"""Rows that a claim tries to take before it looks again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotator is."""

    done: int
    """Comparisons judged; checks and repeats count like any."""
    total: int
    """Comparisons judged, on screen, or to be had at this moment, up to the quota and its checks."""
    last_key: str
    """The key of the row judged last, whose answer can be taken back; empty before the first."""

    @property
    def position(self) -> int:
        """The number of the comparison on screen."""
        return min(self.done + 1, self.total)


@dataclass(frozen=True, slots=True)
class Served:
    """What an annotator gets when they ask for the next comparison."""

    row: Assignment | None
    progress: Progress
    resting: bool
    """It is time for a rest, so no comparison was taken."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    row: Assignment | None
    past: History
    """As it was before the claim."""
    resting: bool = False


class _ContendedError(Exception):
    """Somebody else was faster; look again."""


def claim_next(*, annotator: Annotator, now: datetime) -> Assignment | None:
    """Return the comparison an annotator judges next, leased to them; None when there is none.

    The one they hold comes first, however often they ask; its lease is renewed once it has run
    out. A check or a repeat comes when it is due. Otherwise, of the comparisons they have not met:
    the least filled, then the order (AB or BA) they have met less, then another prompt than the
    last, then the stored random order.
    """
    return _tried(annotator, now, rest_every=0).row


def serve(*, annotator: Annotator, now: datetime, rest_every: int) -> Served:
    """Do what `claim_next` does, and tell how far the annotator is, from the same look at their rows.

    After every ``rest_every`` answers nothing is claimed: it is time for a rest, unless this is the end.
    """
    claimed = _tried(annotator, now, rest_every=rest_every)
    far = _progress(annotator, _with(claimed.past, claimed.row), now)
    return Served(claimed.row, far, claimed.resting)


def _tried(annotator: Annotator, now: datetime, *, rest_every: int) -> _Claimed:
    pause = _FIRST_PAUSE
    for _attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return _claim(annotator, now, rest_every)
        except (_ContendedError, IntegrityError):
            time.sleep(pause)
            pause *= 2
    message = _("The site is very busy at the moment. Please reload the page.")
    raise StudyError(message)


def _claim(annotator: Annotator, now: datetime, rest_every: int) -> _Claimed:
    annotator = lock_annotator(annotator)
    past = history(annotator)
    if annotator.study.status != StudyStatus.OPEN:
        return _Claimed(None, past)
    if past.held is not None:
        return _Claimed(_renewed(_shown().get(pk=past.held), now), past)
    if _rests(annotator, past, now, rest_every):
        return _Claimed(None, past, resting=True)
    return _Claimed(_new(annotator, past, now), past)


def _rests(annotator: Annotator, past: History, now: datetime, rest_every: int) -> bool:
    due = rest_every and past.answered and past.answered % rest_every == 0
    return bool(due) and past.answered < _progress(annotator, past, now).total


def _new(annotator: Annotator, past: History, now: datetime) -> Assignment | None:
    own = serve_own(annotator, done=past.done, now=now)
    if own is not None:
        return own
    if past.done >= annotator.study.quota:
        return None
    best = _best(annotator, past, now)
    if not best:
        return None
    until = now + timedelta(minutes=annotator.study.lease_minutes)
    taken = take(best, annotator, now, until)
    if taken is None:
        raise _ContendedError
    return _shown().get(pk=taken)


def _shown() -> QuerySet[Assignment]:
    return Assignment.objects.select_related(*_SHOWN).only(*_NEEDED)


def open_row(annotator: Annotator) -> Assignment | None:
    """Return the row an annotator holds and has not answered, even if its lease has run out."""
    return _shown().filter(annotator=annotator, submitted_at=None).first()


def _renewed(held: Assignment, now: datetime) -> Assignment | None:
    """Return a held row. Nobody took it meanwhile, or it would not be held."""
    if held.lease_expires_at is None or held.lease_expires_at > now or held.annotator is None:
        return held
    renewed = Assignment.objects.filter(pk=held.pk, annotator=held.annotator, submitted_at=None)
    if not renewed.update(**_lease(held.annotator, now)):
        raise _ContendedError
    return held


def _lease(annotator: Annotator, now: datetime) -> dict[str, datetime]:
    return {"leased_at": now, "lease_expires_at": now + timedelta(minutes=annotator.study.lease_minutes)}


def _best(annotator: Annotator, past: History, now: datetime) -> list[int]:
    """Return the rows to claim, the best first."""
    rarer = Slot.A if past.in_a < past.in_b else Slot.B
    balanced = past.in_a == past.in_b

    def rank(row: Candidate) -> tuple[int, bool, bool, int, int]:
        in_commoner = not balanced and row.slot != rarer
        return row.filled, in_commoner, row.prompt == past.last_prompt, row.sort_key, row.row

    found = sorted(candidates(annotator.study_id, past.met, now), key=rank)
    return [row.row for row in found[:_MOST_TRIED]]


def progress(*, annotator: Annotator, now: datetime) -> Progress:
    """Return how far an annotator is. Neither queries nor rows read grow with the study."""
    return _progress(annotator, history(annotator), now)


def _with(past: History, row: Assignment | None) -> History:
    """Return the history with a row that has just been claimed."""
    if row is None or row.pk == past.held:
        return past
    if row.comparison.kind != Kind.REAL:
        return replace(past, own=past.own + 1)
    return replace(past, reals=past.reals + 1, met=past.met | {row.comparison_id})


def _progress(annotator: Annotator, past: History, now: datetime) -> Progress:
    more = left(annotator, past.met, now, most=annotator.study.quota - past.reals)
    reals = past.reals + more
    total = reals + past.own + to_come(annotator, reals=reals)
    return Progress(done=past.answered, total=total, last_key=past.last_key)


def release(assignment: Assignment) -> None:
    """Give an unanswered row back to the plan; an own row is nobody else's, so it ends."""
    row = Assignment.objects.filter(pk=assignment.pk, submitted_at=None)
    if assignment.comparison.kind == Kind.REAL:
        row.update(annotator=None, leased_at=None, lease_expires_at=None)
    else:
        row.delete()


@transaction.atomic
def skip(*, annotator: Annotator, assignment_key: UUID, reason: str) -> bool:
    """Give a comparison back with a reason, not to be shown to this annotator again.

    Harmless to repeat. False when the row was not theirs to give back.
    """
    annotator = lock_annotator(annotator)
    if held_status(annotator.study) not in (StudyStatus.OPEN, StudyStatus.PAUSED):
        return False
    held = open_row(annotator)
    if held is None or held.key != assignment_key:
        return False
    Skip.objects.get_or_create(annotator=annotator, comparison=held.comparison, defaults={"reason": reason})
    release(held)
    return True
