"""Claim completions, have them written, record them: exactly once each, whatever dies.

The database is the truth. A claim names its owner and carries a heartbeat; a claim whose owner is gone
or silent is taken back by whoever claims next. Knows no torch.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    F,
    Max,
    PositiveIntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Greatest
from django.utils import timezone

from generation.models import Checkpoint, Completion, Hold
from generation.owners import new_owner, owner_is_gone
from generation.patience import AWAY, forgivingly, patiently
from generation.presence import Load, Meter
from generation.sharing import Courtesy
from generation.spec import CompletionRequest, Failed, Generated, Generator, Unavailable

Status = Completion.Status


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised by a run's ``check`` to end it: what is claimed is given back as if it had never been begun."""


class BrokenError(RuntimeError):
    """The generator ended with an error that it should not have; what it held has been given up."""


class _Recalled(Exception):  # noqa: N818 - not an error
    """Nothing in flight is wanted any more: it was paused, cancelled, or given to somebody else."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run did."""

    done: int = 0
    failed: int = 0
    lost: int = 0
    """Written, but no longer claimed by this owner: somebody else has it."""


def claim(
    checkpoint: Checkpoint,
    *,
    owner: str,
    rows: int,
    batch_key: uuid.UUID | None = None,
    courtesy: Courtesy | None = None,
) -> list[Completion]:
    """Take pending completions worth at most ``rows`` rows, two for a guided one; of one batch, if given.

    Stale claims are taken back first. A completion that was left unfinished before is a suspect: it is
    taken with a quarter of the others each time, and with none but its likes, so that what kills a
    worker ends up alone. With ``courtesy``, other workers that are about to come find as many.
    """
    with transaction.atomic():
        take_back(Completion.objects.filter(checkpoint=checkpoint))
        pending = wanted(Completion.objects.filter(checkpoint=checkpoint))
        if batch_key is not None:
            pending = pending.filter(batch_key=batch_key)
        beside = _held(owner).aggregate(most=Max("attempts"))["most"]
        if beside is not None:
            # What joins a suspect in flight would become one; and suspects join nobody.
            pending = pending.filter(attempts=0) if beside == 1 else pending.none()
        most = courtesy.limit(pending, rows=rows) if courtesy else rows
        if connection.features.has_select_for_update_skip_locked:
            pending = pending.select_for_update(skip_locked=True)
        chosen = _fitting(pending.order_by("attempts", "-urgent", "id")[:most], rows)
        now = timezone.now()
        Completion.objects.filter(pk__in=[completion.pk for completion in chosen]).update(
            status=Status.CLAIMED,
            claimed_by=owner,
            claimed_at=now,
            heartbeat_at=now,
            attempts=F("attempts") + 1,
            tokens_so_far=0,
        )
    return chosen


def wanted(completions: QuerySet[Completion]) -> QuerySet[Completion]:
    """Return those that wait to be written and may be: their batch is not held."""
    return completions.filter(status=Status.PENDING).exclude(batch_key__in=Hold.objects.values("batch_key"))


def stale_claims() -> Q:
    """Return the condition that a claim's owner is gone or has been silent for too long."""
    claimed = Completion.objects.filter(status=Status.CLAIMED)
    owners = claimed.order_by().values_list("claimed_by", flat=True).distinct()
    gone = [owner for owner in owners if owner_is_gone(owner)]
    silent = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    return Q(status=Status.CLAIMED) & (Q(heartbeat_at__lt=silent) | Q(claimed_by__in=gone))


def take_back(completions: QuerySet[Completion]) -> None:
    """Make stale claims pending again; one that was alone in flight after many attempts fails."""
    attempts = settings.GENERATION_ATTEMPTS
    reason = (
        f"Begun at least {attempts} times and never finished, at last alone: "
        "the worker died each time (out of memory?)."
    )
    _give_up(completions.filter(stale_claims()), reason)


def record(generated: Generated, *, owner: str) -> bool:
    """Store a finished completion if ``owner`` still holds it; return whether it did."""
    return _finish(
        generated.key,
        owner,
        status=Status.DONE,
        # PostgreSQL stores no NUL in texts; the token ids keep what was written.
        text=generated.text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        token_ids=list(generated.token_ids),
        token_count=generated.tokens,
        tokens_so_far=generated.tokens,
        prompt_tokens=generated.prompt_tokens,
        finish_reason=generated.finish_reason.value,
        forward_flops=generated.forward_flops,
        seconds=generated.seconds,
        provenance=generated.provenance,
        error="",
    )


def fail(failed: Failed, *, owner: str) -> bool:
    """Store why a completion could not be written, if ``owner`` still holds it."""
    return _finish(failed.key, owner, status=Status.FAILED, error=failed.reason or "No reason was given.")


def release(*, owner: str, but: Sequence[int] = ()) -> int:
    """Give back what ``owner`` holds, all ``but`` those keys, as if it had never been begun."""
    return give_back(_held(owner).exclude(pk__in=but))


def give_back(claimed: QuerySet[Completion]) -> int:
    """Make claims pending again as if they had never been begun."""
    return claimed.filter(status=Status.CLAIMED).update(
        status=Status.PENDING, claimed_by="", tokens_so_far=0, attempts=F("attempts") - 1
    )


def heartbeat(tokens: dict[int, int], *, owner: str) -> int:
    """Say that ``owner`` lives and how far its completions are, in one query; return how many it holds."""
    cases = [When(pk=key, then=Value(count)) for key, count in tokens.items()]
    so_far = Case(*cases, default=F("tokens_so_far"), output_field=PositiveIntegerField())
    return _held(owner).update(heartbeat_at=timezone.now(), tokens_so_far=so_far)


def run(  # noqa: PLR0913 - each a choice of its own
    checkpoint: Checkpoint,
    generator: Generator,
    *,
    seconds: float,
    owner: str | None = None,
    batch_key: uuid.UUID | None = None,
    check: Callable[[], None] = lambda: None,
    tell: Callable[[Load], None] = lambda _: None,
) -> Tally:
    """Let ``generator`` write pending completions until none are left or the time is up.

    A database that is away, full or busy is waited for; what was written meanwhile is recorded then.

    Parameters
    ----------
    checkpoint
        Whose completions to write.
    generator
        The engine with that checkpoint loaded.
    seconds
        After this long nothing new is claimed; what has been begun is finished.
    owner
        The claims' owner; made up when absent. A process runs once at a time under one name.
    batch_key
        Write completions of this batch only.
    check
        Called after every step; may raise `Stopped` to end the run at once.
    tell
        Told every few seconds what is in flight.
    """
    line = _Run(checkpoint, owner or new_owner(), batch_key, time.monotonic() + seconds, check, tell)
    # What an earlier run of this process could not give back, because the database was away.
    patiently(line.give_back, check=check)
    try:
        while line.go_on:
            line.go_on = False
            try:
                line.write(generator)
            except _Recalled:
                line.go_on = True
            patiently(line.give_back, check=check)
    except (Stopped, Unavailable, *AWAY):
        raise
    except Exception as error:
        reason = f"The generator broke: {type(error).__name__}: {error}"
        if not _give_up(_held(line.owner), reason):
            raise
        raise BrokenError(reason) from error
    finally:
        forgivingly(line.give_back)
    return line.tally


@dataclass
class _Run:
    """One run: what it holds, and what it has done."""

    checkpoint: Checkpoint
    owner: str
    batch_key: uuid.UUID | None
    ends: float
    check: Callable[[], None]
    tell: Callable[[Load], None]
    tally: Tally = field(default_factory=Tally)
    meter: Meter = field(default_factory=Meter)
    go_on: bool = True
    """Whether there may be more to claim once the generator has come to its end."""
    due: float = 0.0
    courtesy: Courtesy = field(init=False)

    def __post_init__(self) -> None:
        self.courtesy = Courtesy(self.checkpoint, self.owner)

    def write(self, generator: Generator) -> None:
        """Let the generator write until nothing more is to be claimed."""
        for result in generator.generate(self.fetch, self.beat):
            kept = self._store(result)
            written = isinstance(result, Generated)
            self.meter.end(result.key, result.tokens if isinstance(result, Generated) else 0)
            self.tally = Tally(
                done=self.tally.done + (kept and written),
                failed=self.tally.failed + (kept and not written),
                lost=self.tally.lost + (not kept),
            )

    def fetch(self, rows: int) -> Sequence[CompletionRequest]:
        """Claim as many completions as fill ``rows`` rows; none when the time is up."""
        if time.monotonic() >= self.ends:
            return []
        self.check()
        claimed = patiently(lambda: self._claim(rows), check=self.check, again=lambda: self._claim_anew(rows))
        requests = [completion.as_request() for completion in claimed]
        for request in requests:
            self.meter.begin(request)
        # Suspects are claimed group by group: after one there may be another.
        self.go_on = self.go_on or bool(requests)
        return requests

    def beat(self, tokens: dict[int, int]) -> None:
        """Do what a `generation.spec.Beat` does: called every step, it speaks up every few seconds."""
        self.check()
        if time.monotonic() >= self.due:
            forgivingly(lambda: self._speak(tokens))
            self.due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS

    def give_back(self) -> None:
        """Give back everything that this owner holds."""
        release(owner=self.owner)
        self.meter.clear()

    def _store(self, result: Generated | Failed) -> bool:
        """Record how a completion ended; the answer to a first attempt may have been lost on its way."""
        return patiently(
            lambda: _store(result, self.owner),
            again=lambda: _store(result, self.owner) or _finished(result.key, self.owner),
            check=self.check,
        )

    def _claim(self, rows: int) -> list[Completion]:
        return claim(
            self.checkpoint, owner=self.owner, rows=rows, batch_key=self.batch_key, courtesy=self.courtesy
        )

    def _claim_anew(self, rows: int) -> list[Completion]:
        """Claim after an error that may have hidden that the claim had succeeded."""
        release(owner=self.owner, but=list(self.meter.rows))
        return self._claim(rows)

    def _speak(self, tokens: dict[int, int]) -> None:
        """Say what is in flight; stop when none of it is wanted any more."""
        with transaction.atomic():
            give_back(_held(self.owner).filter(batch_key__in=Hold.objects.values("batch_key")))
            held = heartbeat(tokens, owner=self.owner)
            self.tell(self.meter.load(tokens))
        if tokens and not held:
            raise _Recalled


def _store(result: Generated | Failed, owner: str) -> bool:
    if isinstance(result, Generated):
        return record(result, owner=owner)
    return fail(result, owner=owner)


def _fitting(pending: Sequence[Completion] | QuerySet[Completion], rows: int) -> list[Completion]:
    """Return the first completions that fit, at least one, all with the same number of attempts."""
    chosen: list[Completion] = []
    for completion in pending:
        if not chosen:
            rows >>= 2 * completion.attempts
        rows -= 2 if completion.as_request().spec.guided else 1
        if chosen and (rows < 0 or completion.attempts != chosen[0].attempts):
            break
        chosen.append(completion)
    return chosen


def _give_up(claimed: QuerySet[Completion], reason: str) -> int:
    """End claims that came to nothing: pending again, or failed for ``reason``. Return how many.

    Only one that its owner held alone can be blamed, and only after several attempts. The others are
    tried again in smaller company. What was finished before is no longer held, so it counts for nobody.
    """
    attempts = settings.GENERATION_ATTEMPTS
    owners = claimed.order_by().values("claimed_by").annotate(number=Count("pk"))
    alone = list(owners.filter(number=1).values_list("claimed_by", flat=True))
    failed = claimed.filter(attempts__gte=attempts, claimed_by__in=alone).update(
        status=Status.FAILED, error=reason, finished_at=_not_before_claim()
    )
    return failed + claimed.update(status=Status.PENDING, claimed_by="", tokens_so_far=0, error=reason)


def _not_before_claim() -> Greatest:
    """Return the time now, or that of the claim if clocks disagree."""
    return Greatest(Value(timezone.now(), output_field=DateTimeField()), F("claimed_at"))


def _held(owner: str) -> QuerySet[Completion]:
    return Completion.objects.filter(status=Status.CLAIMED, claimed_by=owner)


def _finish(key: int, owner: str, **fields: object) -> bool:
    """Write the end of a completion in one conditional UPDATE."""
    return _held(owner).filter(pk=key).update(finished_at=_not_before_claim(), **fields) == 1


def _finished(key: int, owner: str) -> bool:
    """Whether ``owner`` has written the end of a completion already."""
    ended = Completion.objects.filter(pk=key, status__in=(Status.DONE, Status.FAILED))
    return ended.filter(claimed_by=owner).exists()
