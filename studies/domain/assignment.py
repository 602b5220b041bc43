"""Who judges what next. Claiming one of the planned rows is the only way to be served."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from studies.domain.errors import StudyError
from studies.domain.locks import held_status, lock_annotator
from studies.domain.own_rows import serve_own, to_come
from studies.enums import Kind, Slot, StudyStatus
from studies.models import Annotator, Assignment, Skip

_ATTEMPTS = 10
_FIRST_PAUSE = 0.002
_SHOWN = (
    "comparison__prompt",
    "comparison__candidate",
    "comparison__baseline",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotator is."""

    done: int
    """Comparisons judged; checks and repeats count like any."""
    total: int
    """Comparisons judged, on screen, or to be had at this moment, up to the quota and its checks."""

    @property
    def position(self) -> int:
        """The number of the comparison on screen."""
        return min(self.done + 1, self.total)


@dataclass(frozen=True, slots=True)
class _Tally:
    done: int
    in_a: int
    in_b: int


class _ContendedError(Exception):
    """Somebody else was faster; look again."""


def claim_next(*, annotator: Annotator, now: datetime) -> Assignment | None:
    """Return the comparison an annotator judges next, leased to them; None when there is none.

    The one they hold comes first, however often they ask; its lease is renewed once it has run
    out. A check or a repeat comes when it is due. Otherwise, of the comparisons they have not met:
    the least filled, then the order (AB or BA) they have met less, then the stored random order.
    """
    pause = _FIRST_PAUSE
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return _claim(annotator, now)
        except (_ContendedError, IntegrityError):
            time.sleep(pause)
            pause *= 2
    message = "The site is very busy at the moment. Please reload the page."
    raise StudyError(message)


def _claim(annotator: Annotator, now: datetime) -> Assignment | None:
    annotator = lock_annotator(annotator)
    if annotator.study.status != StudyStatus.OPEN:
        return None
    held = open_row(annotator)
    if held is not None:
        return _renewed(held, now)
    tally = _tally(annotator)
    own = serve_own(annotator, done=tally.done, now=now)
    if own is not None:
        return own
    if tally.done >= annotator.study.quota:
        return None
    best = _best(annotator, tally, now)
    if best is None:
        return None
    leased = _free(now).filter(pk=best).update(annotator=annotator, **_lease(annotator, now))
    if not leased:
        raise _ContendedError
    return Assignment.objects.select_related(*_SHOWN).get(pk=best)


def open_row(annotator: Annotator) -> Assignment | None:
    """Return the row an annotator holds and has not answered, even if its lease has run out."""
    rows = Assignment.objects.filter(annotator=annotator, submitted_at=None)
    return rows.select_related(*_SHOWN).first()


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


def _free(now: datetime) -> QuerySet[Assignment]:
    """Return the rows that nobody answered and nobody holds: a lease that ran out frees its row."""
    return Assignment.objects.filter(
        Q(annotator=None) | Q(lease_expires_at__lte=now), submitted_at__isnull=True
    )


def _available(annotator: Annotator, now: datetime) -> QuerySet[Assignment]:
    """Return the free rows of the comparisons that an annotator has neither met nor given back."""
    met = Assignment.objects.filter(comparison=OuterRef("comparison"), annotator=annotator)
    skipped = Skip.objects.filter(comparison=OuterRef("comparison"), annotator=annotator)
    return _free(now).filter(~Exists(met), ~Exists(skipped), study=annotator.study)


def _best(annotator: Annotator, tally: _Tally, now: datetime) -> int | None:
    """Return the row to claim, locked where the database can."""
    taken = Q(submitted_at__isnull=False) | Q(lease_expires_at__gt=now)
    siblings = Assignment.objects.filter(taken, comparison=OuterRef("comparison")).order_by()
    filled = siblings.values("comparison").annotate(rows=Count("pk")).values("rows")
    rarer = Slot.A if tally.in_a < tally.in_b else Slot.B
    in_rarer = Case(When(candidate_slot=rarer, then=Value(0)), default=Value(1))
    available = _available(annotator, now)
    ordered = available.alias(filled=Coalesce(Subquery(filled), 0), in_rarer=in_rarer)
    balance = () if tally.in_a == tally.in_b else ("in_rarer",)
    best = ordered.order_by("filled", *balance, "sort_key", "pk").values_list("pk", flat=True)
    if not connection.features.has_select_for_update_skip_locked:
        return best.first()
    row: int | None = best.select_for_update(skip_locked=True, of=("self",)).first()
    if row is None and available.exists():
        # Every free row was locked by a claim that may yet fail, so none left is not proven.
        raise _ContendedError
    return row


def _tally(annotator: Annotator) -> _Tally:
    met = Assignment.objects.filter(annotator=annotator, comparison__kind=Kind.REAL)
    return _Tally(
        **met.aggregate(
            done=Count("pk", filter=Q(submitted_at__isnull=False)),
            in_a=Count("pk", filter=Q(candidate_slot=Slot.A)),
            in_b=Count("pk", filter=Q(candidate_slot=Slot.B)),
        )
    )


def progress(*, annotator: Annotator, now: datetime) -> Progress:
    """Return how far an annotator is. The number of queries does not grow with the study."""
    real = Q(comparison__kind=Kind.REAL)
    met = Assignment.objects.filter(annotator=annotator).aggregate(
        done=Count("pk", filter=Q(submitted_at__isnull=False)),
        real=Count("pk", filter=real),
        own=Count("pk", filter=~real),
    )
    left = _available(annotator, now).values("comparison").distinct().count()
    reals = max(met["real"], min(annotator.study.quota, met["real"] + left))
    total = reals + met["own"] + to_come(annotator, reals=reals)
    return Progress(done=met["done"], total=total)


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
