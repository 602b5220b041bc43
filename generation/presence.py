"""Which workers there are and what they do. The database is the truth here too; the broker is not asked."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from generation.models import Worker
from generation.owners import new_owner, owner_is_gone
from generation.patience import forgivingly
from generation.spec import CompletionRequest

State = Worker.State
LOST = "lost"
"""What is shown of a worker that has gone without a word. Never stored: silence is seen, not told."""
_FORGET = timedelta(hours=1)
_SHOWN = timedelta(minutes=10)
_LEAST_SILENCE = 30
_WINDOW_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a process has in flight."""

    rows: int = 0
    reading: bool = False
    """Whether it still reads prompts and has written no token of any of them."""
    speed: float = 0.0
    """Row-tokens a second of late: a guided completion's token counts twice, as its work does."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as others see it."""

    name: str
    state: str
    label: str
    device: str
    checkpoint: str
    activity: str
    rows: int
    speed: float
    seen_at: datetime

    @property
    def lost(self) -> bool:
        """Whether it has gone without a word."""
        return self.state == LOST


class Desk:
    """Where one process says what it does: one row, one query each time."""

    def __init__(self, name: str, *, node: str = "") -> None:
        self._name, self._node = name[:120], (node or name)[:120]
        self._owner = new_owner()
        self._state: dict[str, object] = {}

    def say(self, state: State, *, load: Load | None = None, **known: str) -> None:
        """Say ``state``; of ``device``, ``checkpoint`` and ``activity`` what is not given stays as it was."""
        load = load or Load()
        self._state |= known | {"state": state, "rows": load.rows, "speed": load.speed}
        self.touch()

    def write(self, load: Load) -> None:
        """Say what is in flight."""
        self.say(State.READING if load.reading else State.WRITING, load=load)

    def touch(self) -> None:
        """Say once more what was said last: the process lives."""
        fields = {"node": self._node, "owner": self._owner, "seen_at": timezone.now(), **self._state}
        if not Worker.objects.filter(name=self._name).update(**fields):
            Worker.objects.update_or_create(name=self._name, defaults=fields)

    def rest(self) -> None:
        """Say that there is nothing to do; a checkpoint stays loaded."""
        forgivingly(lambda: self.say(State.IDLE, activity=""))

    def leave(self) -> None:
        """Say that the process ends."""
        forgivingly(lambda: Worker.objects.filter(name=self._name).delete())


@dataclass
class Meter:
    """Counts row-tokens as they are written. Called at every step, so it does as little as it can."""

    rows: dict[int, int] = field(default_factory=dict)
    """How many rows each completion in flight takes."""
    _counted: dict[int, int] = field(default_factory=dict)
    _total: int = 0
    _past: deque[tuple[float, int]] = field(default_factory=deque)

    def begin(self, request: CompletionRequest) -> None:
        """Note that a completion is in flight."""
        self.rows[request.key] = 2 if request.spec.guided else 1
        if not self._past:
            self._past.append((time.monotonic(), self._total))

    def end(self, key: int, tokens: int) -> None:
        """Note that it has ended with so many tokens."""
        rows = self.rows.pop(key, 1)
        self._total += rows * max(0, tokens - self._counted.pop(key, 0))

    def clear(self) -> None:
        """Note that nothing is in flight any more."""
        self.rows.clear()
        self._counted.clear()

    def load(self, tokens: dict[int, int]) -> Load:
        """Return what is in flight, given how far each completion is."""
        for key, count in tokens.items():
            self._total += self.rows.get(key, 1) * max(0, count - self._counted.get(key, 0))
            self._counted[key] = count
        now = time.monotonic()
        self._past.append((now, self._total))
        while now - self._past[0][0] > _WINDOW_SECONDS:
            self._past.popleft()
        since, before = self._past[0]
        speed = (self._total - before) / (now - since) if now > since else 0.0
        return Load(rows=sum(self.rows.values()), reading=not any(tokens.values()), speed=speed)


def report_node(name: str, *, busy: bool) -> None:
    """Say for all processes of a worker that they live, and forget workers that were last seen long ago.

    Called by the worker's main process. What it holds of its processes is kept unless they have died or
    have nothing to do, which they may not have had time to say.
    """
    now = timezone.now()
    mine = Worker.objects.filter(node=name)
    idle = {"state": State.IDLE, "rows": 0, "speed": 0.0, "activity": ""}
    rows = list(mine.values_list("name", "owner"))
    if not rows:
        Worker.objects.update_or_create(name=name, defaults={"node": name, "seen_at": now})
    for row, owner in rows:
        died = bool(owner) and owner_is_gone(owner)
        fields: dict[str, object] = {"seen_at": now}
        if died:
            fields |= idle | {"owner": "", "checkpoint": ""}
        elif not busy:
            fields |= idle
        mine.filter(name=row, owner=owner).update(**fields)
    Worker.objects.filter(seen_at__lt=now - _FORGET).delete()


def at_hand(checkpoint: str, *, but: str = "") -> dict[str, str]:
    """Return the states of the processes that can write for a checkpoint, all ``but`` that owner.

    They have nothing to do, or are at this checkpoint already. Each is under its owner, or under its name
    while it has not begun anything yet.
    """
    found = {}
    for row in Worker.objects.filter(seen_at__gt=_silent()).exclude(owner=but or None):
        free = row.state == State.IDLE or row.checkpoint == checkpoint
        if free and not (row.owner and owner_is_gone(row.owner)):
            found[row.owner or row.name] = row.state
    return found


def idle() -> int:
    """Return how many processes have nothing to do."""
    return list(at_hand("").values()).count(State.IDLE)


def forget_node(name: str) -> None:
    """Say that a worker has ended, with all its processes."""
    Worker.objects.filter(node=name).delete()


def workers() -> list[Seen]:
    """Return the workers that were seen of late, those that are lost last."""
    silent = _silent()
    found = []
    for row in Worker.objects.filter(seen_at__gt=timezone.now() - _SHOWN).order_by("name"):
        lost = row.seen_at < silent or (bool(row.owner) and owner_is_gone(row.owner))
        found.append(
            Seen(
                name=row.name,
                state=LOST if lost else row.state,
                label="Lost" if lost else row.get_state_display(),
                device=row.device,
                checkpoint=row.checkpoint,
                activity="" if lost else row.activity,
                rows=0 if lost else row.rows,
                speed=0.0 if lost else row.speed,
                seen_at=row.seen_at,
            )
        )
    return sorted(found, key=lambda worker: worker.lost)


def _silent() -> datetime:
    """Return since when somebody has to have been seen to be there."""
    return timezone.now() - timedelta(seconds=max(_LEAST_SILENCE, 1.5 * settings.GENERATION_SWEEP_SECONDS))
