"""Completions that a server writes: permission, key and rate, and how it went, told in its row."""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from generation import runs
from generation.endpoint.address import Endpoint, key_of, require_permitted
from generation.models import Checkpoint, Completion
from generation.preparing import NotReadyError
from generation.presence import Load
from generation.spec import Generator, Unavailable

Status = Checkpoint.Status


def write(
    checkpoint: Checkpoint,
    *,
    seconds: float,
    batch_key: uuid.UUID | None = None,
    check: Callable[[], None] = lambda: None,
    tell: Callable[[Load], None] = lambda _: None,
) -> runs.Tally:
    """Let the server write pending completions, as `runs.run` lets an engine.

    Raises
    ------
    NotReadyError
        When the server cannot be used: its row says why, and waits for a person to retry. What was
        claimed is given back. Also when another process of this machine is calling it.
    """
    endpoint = Endpoint.from_dict(checkpoint.endpoint)
    with _alone(endpoint):
        try:
            writer = _writer(endpoint)
            tally = runs.run(checkpoint, writer, seconds=seconds, batch_key=batch_key, check=check, tell=tell)
        except Unavailable as reason:
            Checkpoint.objects.filter(pk=checkpoint.pk).update(status=Status.FAILED, error=str(reason))
            raise NotReadyError(str(reason)) from None
    if tally.done:
        _note(checkpoint)
    return tally


def _writer(endpoint: Endpoint) -> Generator:
    from generation.endpoint.writer import EndpointWriter  # noqa: PLC0415 - only workers need a client

    require_permitted(endpoint, settings.GENERATION_ENDPOINTS)
    key = key_of(endpoint, os.environ)
    return EndpointWriter(endpoint, key=key, shared=settings.REDIS_URL)


def _note(checkpoint: Checkpoint) -> None:
    """Keep what the server said of itself when it answered last."""
    written = Completion.objects.filter(checkpoint=checkpoint, status=Completion.Status.DONE)
    latest = written.order_by("finished_at").values_list("provenance", flat=True).last() or {}
    said = ("reported_model", "system_fingerprint")
    facts = {name: latest[name] for name in said if name in latest}
    Checkpoint.objects.filter(pk=checkpoint.pk).update(
        status=Status.READY, error="", stage="", facts=facts, prepared_at=timezone.now()
    )


@contextmanager
def _alone(endpoint: Endpoint) -> Iterator[None]:
    """Be the one process of this machine that calls an address, so that the rate holds without a Redis."""
    folder = settings.DATA_DIR / "endpoints"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.sha256(endpoint.base_url.encode()).hexdigest()[:16]
    with (folder / name).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"{endpoint.base_url} is being called by another worker of this machine."
            raise NotReadyError(message) from None
        yield
