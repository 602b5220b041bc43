"""What a worker leaves to others that are about to come: else the first to look takes a small study whole.

It is a courtesy and never a lock. Nobody is waited for who does not come soon, and whoever holds nothing may
always take something, so a study goes on whatever becomes of the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from generation import presence
from generation.models import Checkpoint, Completion

PATIENCE: Mapping[str, float] = {presence.State.IDLE: 5.0}
"""For how many seconds something is left to workers with nothing to do: they have been called."""
PATIENCE_LOADING = 60.0
"""For how many seconds it is left to those that are on their way: they load the checkpoint."""


@dataclass
class Courtesy:
    """What one run leaves to others, and since when it has."""

    checkpoint: Checkpoint
    owner: str
    _since: float | None = None

    def limit(self, pending: QuerySet[Completion], *, rows: int) -> int:
        """Return how many of ``pending`` may be taken, so that each other finds as many; ``rows`` or fewer.

        As long as others are about to come, everybody's part of what waits and of what is in flight is
        the same. When nobody comes any more, there is no limit: a worker with room takes what is there.
        """
        near = {} if self.checkpoint.endpoint else presence.at_hand(self.checkpoint.name, but=self.owner)
        held = _held(self.checkpoint) if near else {}
        near = {name: state for name, state in near.items() if name not in held}
        mine, others = held.get(self.owner, 0), len({*held} - {self.owner})
        # More than this is enough for everybody, and a large study need not be counted to its end.
        waiting = pending[: (1 + len(near) + others) * (rows + mine)].count() if near else 0
        if not waiting:
            self._since = None
            return rows
        coming = self._coming(near)
        if not coming:
            return rows
        part = math.ceil((waiting + sum(held.values())) / (1 + coming + others)) - mine
        return min(rows, max(part, 0 if mine else 1))

    def _coming(self, near: Mapping[str, str]) -> int:
        """Return how many of those who hold nothing are still waited for."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        return sum(waited < PATIENCE.get(state, PATIENCE_LOADING) for state in near.values())


def _held(checkpoint: Checkpoint) -> dict[str, int]:
    """Return how many completions each owner has in flight."""
    claimed = Completion.objects.filter(checkpoint=checkpoint, status=Completion.Status.CLAIMED).order_by()
    return dict(claimed.values_list("claimed_by").annotate(number=Count("pk")))
