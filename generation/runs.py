"""Claim completions, have them written, record them: exactly once each, whatever dies.

The database is the truth. A claim names its owner and carries a heartbeat; a claim whose owner is gone
or silent is taken back by whoever claims next. Knows no torch.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DateTimeField, F, PositiveIntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from generation.models import Checkpoint, Completion
from generation.spec import CompletionRequest, Failed, Generated, Generator, Unavailable

Status = Completion.Status


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised by a run's ``check`` to end it: what is claimed is given back as if it had never been begun."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run did."""

    done: int = 0
    failed: int = 0
    lost: int = 0
    """Written, but no longer claimed by this owner: somebody else has it."""


def new_owner() -> str:
    """Return a name for a claim's owner: host, process, and a nonce that tells processes of one id apart."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{_born(os.getpid()) or secrets.token_hex(4)}"


def owner_is_gone(owner: str) -> bool:
    """Whether the owner was a process of this machine that no longer runs. False when that cannot be told."""
    host, _, process = owner.partition(":")
    pid, _, nonce = process.partition(":")
    if host != socket.gethostname()[:64] or not pid.isdigit() or not Path("/proc/self/stat").exists():
        return False
    return _born(int(pid)) != nonce


def claim(
    checkpoint: Checkpoint, *, owner: str, rows: int, batch_key: uuid.UUID | None = None
) -> list[Completion]:
    """Take pending completions worth at most ``rows`` rows, two for a guided one; of one batch, if given.

    Stale claims are taken back first. A completion that was left unfinished before is taken with fewer
    others each time, so that what kills a worker ends up alone.
    """
    with transaction.atomic():
        take_back(Completion.objects.filter(checkpoint=checkpoint))
        pending = Completion.objects.filter(checkpoint=checkpoint, status=Status.PENDING)
        if batch_key is not None:
            pending = pending.filter(batch_key=batch_key)
        if connection.features.has_select_for_update_skip_locked:
            pending = pending.select_for_update(skip_locked=True)
        chosen = _fitting(pending.order_by("attempts", "id")[:rows], rows)
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


def stale_claims() -> Q:
    """Return the condition that a claim's owner is gone or has been silent for too long."""
    claimed = Completion.objects.filter(status=Status.CLAIMED)
    owners = claimed.order_by().values_list("claimed_by", flat=True).distinct()
    gone = [owner for owner in owners if owner_is_gone(owner)]
    silent = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    return Q(status=Status.CLAIMED) & (Q(heartbeat_at__lt=silent) | Q(claimed_by__in=gone))


def take_back(completions: QuerySet[Completion]) -> None:
    """Make stale claims pending again, or failed when there were too many attempts."""
    attempts = settings.GENERATION_ATTEMPTS
    reason = f"Begun {attempts} times and never finished: the worker died each time (out of memory?)."
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


def release(*, owner: str) -> int:
    """Give back what ``owner`` holds, as if it had never been begun."""
    return _held(owner).update(
        status=Status.PENDING, claimed_by="", tokens_so_far=0, attempts=F("attempts") - 1
    )


def heartbeat(tokens: dict[int, int], *, owner: str) -> None:
    """Say that ``owner`` lives and how far its completions are: one query."""
    cases = [When(pk=key, then=Value(count)) for key, count in tokens.items()]
    so_far = Case(*cases, default=F("tokens_so_far"), output_field=PositiveIntegerField())
    _held(owner).update(heartbeat_at=timezone.now(), tokens_so_far=so_far)


def run(
    checkpoint: Checkpoint,
    generator: Generator,
    *,
    seconds: float,
    owner: str | None = None,
    batch_key: uuid.UUID | None = None,
    check: Callable[[], None] = lambda: None,
) -> Tally:
    """Let ``generator`` write pending completions until none are left or the time is up.

    Parameters
    ----------
    checkpoint
        Whose completions to write.
    generator
        The engine with that checkpoint loaded.
    seconds
        After this long nothing new is claimed; what has been begun is finished.
    owner
        The claims' owner; made up when absent.
    batch_key
        Write completions of this batch only.
    check
        Called after every step; may raise `Stopped` to end the run at once.
    """
    owner = owner or new_owner()
    ends = time.monotonic() + seconds

    def fetch(rows: int) -> Sequence[CompletionRequest]:
        if time.monotonic() >= ends:
            return []
        check()
        claimed = claim(checkpoint, owner=owner, rows=rows, batch_key=batch_key)
        return [completion.as_request() for completion in claimed]

    done = failed = lost = 0
    try:
        for result in generator.generate(fetch, _Pulse(owner, check)):
            kept = _store(result, owner)
            written = isinstance(result, Generated)
            if not kept:
                lost += 1
                continue
            done, failed = done + written, failed + (not written)
    except (Stopped, Unavailable):
        raise
    except Exception as error:
        _give_up(_held(owner), f"The generator broke: {type(error).__name__}: {error}")
        raise
    finally:
        release(owner=owner)
    return Tally(done, failed, lost)


def _store(result: Generated | Failed, owner: str) -> bool:
    if isinstance(result, Generated):
        return record(result, owner=owner)
    return fail(result, owner=owner)


class _Pulse:
    """A `generation.spec.Beat`: called every step, it writes a heartbeat every few seconds."""

    def __init__(self, owner: str, check: Callable[[], None]) -> None:
        self._owner = owner
        self._check = check
        self._due = 0.0

    def __call__(self, tokens: dict[int, int]) -> None:
        self._check()
        if time.monotonic() >= self._due:
            heartbeat(tokens, owner=self._owner)
            self._due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS


def _fitting(pending: Sequence[Completion] | QuerySet[Completion], rows: int) -> list[Completion]:
    """Return the first completions that fit, all with the same number of attempts."""
    chosen: list[Completion] = []
    for completion in pending:
        if not chosen:
            rows = max(2, rows >> completion.attempts)
        rows -= 2 if completion.as_request().spec.guided else 1
        if rows < 0 or (chosen and completion.attempts != chosen[0].attempts):
            break
        chosen.append(completion)
    return chosen


def _give_up(claimed: QuerySet[Completion], reason: str) -> None:
    """End claims that came to nothing: pending again while attempts are left, else failed for ``reason``."""
    attempts = settings.GENERATION_ATTEMPTS
    claimed.filter(attempts__gte=attempts).update(
        status=Status.FAILED, error=reason, finished_at=_not_before_claim()
    )
    claimed.filter(attempts__lt=attempts).update(status=Status.PENDING, claimed_by="", tokens_so_far=0)


def _not_before_claim() -> Greatest:
    """Return the time now, or that of the claim if clocks disagree."""
    return Greatest(Value(timezone.now(), output_field=DateTimeField()), F("claimed_at"))


def _held(owner: str) -> QuerySet[Completion]:
    return Completion.objects.filter(status=Status.CLAIMED, claimed_by=owner)


def _finish(key: int, owner: str, **fields: object) -> bool:
    """Write the end of a completion in one conditional UPDATE."""
    return _held(owner).filter(pk=key).update(finished_at=_not_before_claim(), **fields) == 1


def _born(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, as text; empty when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
