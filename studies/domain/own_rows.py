"""Rows of one annotator's own: attention checks and swapped repeats, mixed among their comparisons.

When which of them is due follows from the study's seed and the pseudonym, so nothing is stored
before it is served, and a row that was taken back comes again at the same place.
"""

from __future__ import annotations

import uuid
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from studies.enums import Kind, Slot
from studies.models import Annotator, Assignment, Skip, Study

_STREAM = 3
"""Of the study's seed; the slot plan draws from 1, the checks' decoys from 2."""
_APART = 5
"""Comparisons between the two meetings of a swapped repeat, where the session is long enough."""
_FOR_GOOD = timedelta(days=36_500)
"""An own row waits for nobody else, so its lease does not run out."""


def lease_end(row: Assignment, now: datetime, *, minutes: int) -> datetime:
    """Return when a row that is leased now becomes free again."""
    return now + (timedelta(minutes=minutes) if row.comparison.kind == Kind.REAL else _FOR_GOOD)


def most_own_rows(study: Study) -> int:
    """Return how many checks and repeats an annotator meets at most."""
    checks: dict[str, int] = study.checks
    return sum(checks.values()) + study.repeats


def to_come(annotator: Annotator, *, reals: int) -> int:
    """Return how many own rows are still due before, or right after, so many comparisons."""
    if not most_own_rows(annotator.study):
        return 0
    session = _Session.of(annotator)
    return sum(after <= reals for kind in (Kind.CHECK, Kind.REPEAT) for after in session.left(kind))


def serve_own(annotator: Annotator, *, done: int, now: datetime) -> Assignment | None:
    """Make and lease the own row that is due after ``done`` comparisons; None when none is."""
    if not most_own_rows(annotator.study):
        return None
    session = _Session.of(annotator)
    for kind, choose in ((Kind.CHECK, _next_check), (Kind.REPEAT, _next_repeat)):
        if any(after <= done for after in session.left(kind)):
            chosen = choose(annotator, session)
            if chosen is not None:
                return _lease(annotator, *chosen, now=now)
    return None


def _lease(annotator: Annotator, comparison: int, slot: Slot, *, now: datetime) -> Assignment:
    row = Assignment.objects.create(
        key=uuid.uuid4(),
        study=annotator.study,
        comparison_id=comparison,
        ordinal=annotator.pk,
        candidate_slot=slot,
        sort_key=0,
        annotator=annotator,
        leased_at=now,
        lease_expires_at=now + _FOR_GOOD,
    )
    shown = ("comparison__prompt", "comparison__candidate", "comparison__baseline")
    return Assignment.objects.select_related(*shown).get(pk=row.pk)


@dataclass(frozen=True, slots=True)
class _Session:
    """An annotator's draws, and which own comparisons they have met or given back."""

    after: dict[str, list[int]]
    """By kind: after how many comparisons each own row is due."""
    met: dict[str, set[int]]
    order: list[int]
    """The study's checks as this annotator meets them."""
    slots: dict[int, Slot]
    """Where the candidate stands, by check."""
    draw: int

    @classmethod
    def of(cls, annotator: Annotator) -> _Session:
        study = annotator.study
        rng = np.random.default_rng([study.seed, _STREAM, zlib.crc32(annotator.pseudonym.encode())])
        checks = list(study.comparisons.filter(kind=Kind.CHECK).order_by("pk").values_list("pk", flat=True))
        shown = study.comparisons.filter(kind=Kind.REAL, identical=False).order_by()
        if study.additions:  # a session that has begun keeps its places
            shown = shown.filter(prompt__addition=0)
        length = len(shown.values_list("pk")[: study.quota])
        after = {
            Kind.CHECK.value: _spread(1, length, len(checks), rng),
            Kind.REPEAT.value: _spread(length // 2 + 1, length + 1, min(study.repeats, length // 2), rng),
        }
        order = [checks[number] for number in rng.permutation(len(checks))]
        slots = dict(
            zip(checks, (Slot.A if draw < 1 / 2 else Slot.B for draw in rng.random(len(checks))), strict=True)
        )
        return cls(after, _met(annotator), order, slots, int(rng.integers(2**32)))

    def left(self, kind: str) -> list[int]:
        """Return when the own rows that are not used up are due."""
        return self.after[kind][len(self.met[kind]) :]


def _spread(first: int, end: int, number: int, rng: np.random.Generator) -> list[int]:
    """Return ``number`` places from ``first`` to before ``end``, one in each of as many equal parts."""
    width = max(end - first, 1) / max(number, 1)
    return [first + int((part + rng.random()) * width) for part in range(number)]


def _met(annotator: Annotator) -> dict[str, set[int]]:
    rows = Assignment.objects.filter(annotator=annotator).exclude(comparison__kind=Kind.REAL)
    skips = Skip.objects.filter(annotator=annotator).exclude(comparison__kind=Kind.REAL)
    met: dict[str, set[int]] = {Kind.CHECK.value: set(), Kind.REPEAT.value: set()}
    for found in (rows, skips):
        for kind, comparison in found.values_list("comparison__kind", "comparison"):
            met[kind].add(comparison)
    return met


def _next_check(annotator: Annotator, session: _Session) -> tuple[int, Slot] | None:
    """Choose a check, if possible of a prompt that the annotator has not met."""
    fresh = [pk for pk in session.order if pk not in session.met[Kind.CHECK]]
    seen = Assignment.objects.filter(annotator=annotator).values("comparison__prompt")
    known = set(
        annotator.study.comparisons.filter(pk__in=fresh, prompt__in=seen).values_list("pk", flat=True)
    )
    chosen = min(fresh, key=lambda pk: pk in known, default=None)
    return None if chosen is None else (chosen, session.slots[chosen])


def _next_repeat(annotator: Annotator, session: _Session) -> tuple[int, Slot] | None:
    """Choose a comparison that lies far enough back, with its sides swapped."""
    rows = Assignment.objects.filter(annotator=annotator, submitted_at__isnull=False)
    answered = rows.filter(comparison__kind=Kind.REAL).order_by("submitted_at", "pk")
    past = list(answered.values_list("comparison__candidate", "comparison__baseline", "candidate_slot"))
    past = past[: len(past) - min(_APART, len(past) // 2)]
    repeats = annotator.study.comparisons.filter(
        kind=Kind.REPEAT, candidate__in=[candidate for candidate, _, _ in past]
    )
    of_pair = {
        (candidate, baseline): pk
        for pk, candidate, baseline in repeats.values_list("pk", "candidate", "baseline")
    }
    eligible = [
        (of_pair[candidate, baseline], Slot(slot).other)
        for candidate, baseline, slot in past
        if of_pair[candidate, baseline] not in session.met[Kind.REPEAT]
    ]
    return eligible[session.draw % len(eligible)] if eligible else None
