"""Prompts on their way into slots: in pieces beside the decoding, and no shared beginning twice."""

from __future__ import annotations

from collections.abc import Iterable

from generation.engine.flights import Row, shared_length
from generation.engine.slots import Slots

_WORTH_SHARING = 8
"""Fewer tokens in common are read again rather than copied."""


class Reading:
    """The rows whose prompts are still being read, and what every slot holds.

    A row that begins as another does, say with the same system prompt, copies what that one has read; while
    the other is still at it, the row waits.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._rows: list[Row] = []
        self._holders: dict[int, Row] = {}
        self._partners: dict[Row, tuple[Row, int]] = {}  # whom to copy from, and how much

    def add(self, row: Row) -> None:
        """Take a row whose slot is free for it."""
        self._holders[row.slot] = row
        if row.ready:
            return
        self._partners.pop(row, None)
        self._find_partner(row, self._holders.values())
        self._rows.append(row)

    def keep(self, rows: Iterable[Row]) -> None:
        """Say that slots were rearranged and hold these rows alone."""
        self._holders = {row.slot: row for row in rows}

    def plan(self, budget: int) -> list[tuple[Row, int]]:
        """Return which rows read how many tokens in the next step: at most ``budget`` in all."""
        planned = []
        for row in self._rows:
            if not self._copied(row):
                continue
            count = min(budget, len(row.ids) - 1 - row.read)
            if count:
                planned.append((row, count))
            budget -= count
            if not budget:
                break
        return planned

    def done(self, planned: list[tuple[Row, int]]) -> None:
        """Say that a plan was carried out."""
        for row, count in planned:
            row.read += count
        self._rows = [row for row in self._rows if not row.ready]

    def _find_partner(self, row: Row, others: Iterable[Row]) -> None:
        """Find who holds, or soon will, the most of what the row begins with."""
        best: tuple[Row, int] | None = None
        for other in others:
            known = len(other.ids) - 1 if other in self._rows else other.read
            count = min(shared_length(row.ids, other.ids), known, len(row.ids) - 1)
            if other is not row and count >= max(_WORTH_SHARING, best[1] + 1 if best else 0):
                best = other, count
        if best:
            self._partners[row] = best

    def _copied(self, row: Row) -> bool:
        """Copy what a partner has read; return whether the row may read on by itself."""
        partner = self._partners.get(row)
        if partner is None:
            return True
        other, count = partner
        if self._holders.get(other.slot) is not other:
            del self._partners[row]
            # Only from those who wait for nobody, lest two wait for each other.
            self._find_partner(row, [o for o in self._holders.values() if o not in self._partners])
            return self._copied(row)
        if other.read < count:
            return False
        self._slots.copy(other.slot, row.slot, count)
        row.read = count
        del self._partners[row]
        return True
