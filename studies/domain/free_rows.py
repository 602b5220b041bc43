"""The slot plan's free rows, read and taken in the SQL of both databases.

No step looks at more rows than a fixed number and an annotator's quota, whatever the size of the
study. That rests on the sort keys of the plan: they put every comparison's first row before any
comparison's second (`pairing.sort_keys`), so the rows of the least filled comparisons are found at
the low end of the index over free rows. Expired leases and skipped comparisons make that only
nearly so, hence the fill of the rows found there is counted anew, and more of them are read when
those do not settle which is the least (`candidates`). What remains open: with more than 48 leases
run out at once, a comparison among the later ones; and more than 384 rows of one ordinal and order
whose comparisons are all filled from above. Then a comparison may be served that is not the least
filled; k is exact all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from studies.enums import Kind, Slot
from studies.models import Annotator

ORDINAL_BITS = 53
SLOT_BITS = 52
_LEVELS = 3
"""Both orders of a comparison stand within three rows of its lowest free one."""
_EACH = 6
"""Rows looked at of each ordinal and order."""
_WIDER = (48, 384)
"""The same, of the lowest ordinal, when none of the rows looked at is known to be least filled."""
_EXPIRED = 48
_FREE = "study_id = %s AND submitted_at IS NULL AND "
# PostgreSQL reads the index in its order only if the order is named in full.
_ORDER = " ORDER BY lease_expires_at, sort_key LIMIT %s"


@dataclass(frozen=True, slots=True)
class History:
    """What one annotator has met so far."""

    answered: int
    """Rows answered, checks and repeats among them."""
    done: int
    """Comparisons answered."""
    reals: int
    """Comparisons met: answered or on the screen."""
    own: int
    """Checks and repeats met."""
    in_a: int
    """Rows met with the candidate in slot A."""
    in_b: int
    met: frozenset[int]
    """Comparisons met or given back, not to be shown again."""
    held: int | None
    """The row on the screen."""
    last_prompt: int | None
    last_key: str
    """Of the row answered last; empty before the first answer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free row that could be served."""

    row: int
    slot: str
    sort_key: int
    prompt: int
    filled: int
    """How many rows of its comparison are answered or held."""


def history(annotator: Annotator) -> History:
    """Return what an annotator has met, in one query over their own rows."""
    rows = _rows(
        "SELECT a.id, a.comparison_id, a.candidate_slot, a.submitted_at, c.kind, c.prompt_id, a.leased_at, "
        "a.key FROM studies_assignment a JOIN studies_comparison c ON c.id = a.comparison_id "
        "WHERE a.annotator_id = %s UNION ALL "
        "SELECT NULL, s.comparison_id, '', NULL, c.kind, c.prompt_id, s.created_at, NULL FROM studies_skip s "
        "JOIN studies_comparison c ON c.id = s.comparison_id WHERE s.annotator_id = %s ORDER BY 7, 1",
        [annotator.pk, annotator.pk],
    )
    taken = [row for row in rows if row[0] is not None]
    real = [row for row in taken if row[4] == Kind.REAL]
    answered = [row for row in taken if row[3]]
    last = max(answered, key=lambda row: (row[3], row[0]), default=None)
    return History(
        answered=len(answered),
        done=sum(bool(row[3]) for row in real),
        reals=len(real),
        own=len(taken) - len(real),
        in_a=sum(row[2] == Slot.A for row in taken),
        in_b=sum(row[2] == Slot.B for row in taken),
        met=frozenset(row[1] for row in rows),
        held=next((row[0] for row in taken if not row[3]), None),
        last_prompt=rows[-1][5] if rows else None,
        last_key=str(UUID(str(last[7]))) if last else "",
    )


def candidates(study: int, met: Iterable[int], now: datetime) -> list[Candidate]:
    """Return free rows of comparisons not in ``met``: some of each order, one of the least filled among them.

    A comparison without a lease that ran out is filled with at least as many rows as stand before its
    lowest free one. So a row at the lowest free ordinal that is filled no more than that is of the
    least filled. Where none is among the rows looked at, more of that ordinal are looked at.
    """
    unmet = _unmet(met)
    lowest = _rows(
        "SELECT sort_key FROM studies_assignment WHERE "  # noqa: S608 - constants and placeholders
        f"{_FREE} lease_expires_at IS NULL AND {unmet} {_ORDER}",
        [study, 1],
    )
    groups = _groups(lowest[0][0]) if lowest else []
    found = _look(study, unmet, now, groups, _EACH, expired=_EXPIRED)
    for each in _WIDER if lowest else ():
        if any(row.filled < lowest[0][0] >> ORDINAL_BITS for row in found):
            break
        found = [*found, *_look(study, unmet, now, groups[:2], each)]
    return found


def _look(
    study: int, unmet: str, now: datetime, groups: Sequence[int], each: int, *, expired: int = 0
) -> list[Candidate]:
    """Return the first ``each`` free rows of each group and rows whose lease ran out, with their fill."""
    parts = [_found("lease_expires_at <= %s", unmet)]
    values: list[Any] = [study, _time(now), expired]
    for low in groups:
        parts.append(_found("lease_expires_at IS NULL AND sort_key >= %s AND sort_key < %s", unmet))
        values += [study, low, low + 2**SLOT_BITS, each]
    union = " UNION ALL ".join(f"SELECT * FROM ({part}) AS x{n}" for n, part in enumerate(parts))  # noqa: S608
    found = _rows(
        "SELECT f.id, f.candidate_slot, f.sort_key, c.prompt_id, (SELECT COUNT(*) "  # noqa: S608 - as above
        "FROM studies_assignment s WHERE s.comparison_id = f.comparison_id "
        "AND (s.submitted_at IS NOT NULL OR s.lease_expires_at > %s)) "
        f"FROM ({union}) AS f JOIN studies_comparison c ON c.id = f.comparison_id",
        [_time(now), *values],
    )
    return [Candidate(*row) for row in found]


def _groups(lowest: int) -> list[int]:
    """Return where the sort keys of the next rows begin, for each ordinal and order."""
    first = lowest >> ORDINAL_BITS << (ORDINAL_BITS - SLOT_BITS)
    return [group << SLOT_BITS for group in range(first, first + 2 * _LEVELS)]


def _found(condition: str, unmet: str) -> str:
    return (
        "SELECT id, comparison_id, candidate_slot, sort_key FROM studies_assignment "  # noqa: S608 - as above
        f"WHERE {_FREE} {condition} AND {unmet} {_ORDER}"
    )


def take(rows: Sequence[int], annotator: Annotator, now: datetime, until: datetime) -> int | None:
    """Lease the first of ``rows`` that is still free and that nobody else is about to take."""
    free = "submitted_at IS NULL AND (annotator_id IS NULL OR lease_expires_at <= %s)"
    lease = (
        "UPDATE studies_assignment SET annotator_id = %s, leased_at = %s, lease_expires_at = %s WHERE id ="
    )
    leased = [annotator.pk, _time(now), _time(until)]
    if connection.vendor == "postgresql":
        chosen = (
            f"(SELECT id FROM studies_assignment WHERE id = ANY(%s) AND {free} "  # noqa: S608 - as above
            "ORDER BY array_position(%s, id) LIMIT 1 FOR UPDATE SKIP LOCKED)"
        )
        taken = _rows(f"{lease} {chosen} RETURNING id", [*leased, list(rows), now, list(rows)])
        return taken[0][0] if taken else None
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(f"{lease} %s AND {free}", [*leased, row, _time(now)])
            if cursor.rowcount:
                return row
    return None


def left(annotator: Annotator, met: Iterable[int], now: datetime, *, most: int) -> int:
    """Return how many comparisons an annotator could still be given, counted up to ``most``.

    A comparison has at most k free rows, so ``most`` times k rows tell.
    """
    if most <= 0:
        return 0
    unmet = _unmet(met)
    rows = most * annotator.study.judgments_each
    free = f"SELECT comparison_id FROM studies_assignment WHERE {_FREE}"  # noqa: S608 - as above
    counted = _rows(
        "SELECT COUNT(*) FROM ("  # noqa: S608 - as above
        f"SELECT * FROM ({free} lease_expires_at IS NULL AND {unmet} {_ORDER}) AS fresh UNION "
        f"SELECT * FROM ({free} lease_expires_at <= %s AND {unmet} {_ORDER}) AS expired) AS unmet",
        [annotator.study_id, rows, annotator.study_id, _time(now), rows],
    )
    return min(most, int(counted[0][0]))


def _unmet(met: Iterable[int]) -> str:
    """Return the condition that leaves out ``met``, written out because placeholders cost more than it."""
    return f"comparison_id NOT IN ({', '.join(map(str, map(int, met))) or 0})"


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _time(moment: datetime) -> Any:
    """Return a moment as the tables hold it: SQLite's are texts that compare only in one form."""
    return connection.ops.adapt_datetimefield_value(moment)
