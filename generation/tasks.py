"""What a worker does: fetch a checkpoint, delegate, hand over. The way from Celery to the engine."""

from __future__ import annotations

import logging
import mmap
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from config.celery import app
from generation import calling, preparing, runs
from generation.models import Checkpoint, Completion, Worker

_log = logging.getLogger(__name__)
_FORGET = timedelta(days=1)
_GLANCE_SECONDS = 0.2
# One byte that a worker shares with the processes that it forks: set when it is asked to stop.
_stop = mmap.mmap(-1, 1)


def ask_to_stop() -> None:
    """Let whatever is being generated end at its next step."""
    _stop[0] = 1


def check_stop() -> None:
    """Raise when the worker has been asked to stop."""
    if _stop[0]:
        raise runs.Stopped


@app.task(name="generation.generate")  # type: ignore[untyped-decorator, unused-ignore]
def generate(checkpoint_id: int) -> None:
    """Write pending completions of a checkpoint for a few minutes, then hand over to a fresh task."""
    checkpoint = Checkpoint.objects.get(pk=checkpoint_id)
    if not waiting(checkpoint):
        return
    try:
        _write(checkpoint)
    except runs.Stopped:
        _log.info("asked to stop: what was claimed is given back")
        return
    except preparing.NotReadyError as reason:
        _log.warning("%s", reason)
        return
    if waiting(checkpoint):
        call_worker(checkpoint_id)


def _write(checkpoint: Checkpoint) -> None:
    seconds = settings.GENERATION_TASK_SECONDS
    if checkpoint.endpoint:
        calling.write(checkpoint, seconds=seconds, check=check_stop)
        return
    with _interruptible(checkpoint):
        engine = preparing.ready_engine(checkpoint)
    runs.run(checkpoint, engine, seconds=seconds, check=check_stop)


def waiting(checkpoint: Checkpoint) -> bool:
    """Whether completions of the checkpoint are pending, or claimed by somebody who is gone."""
    return Completion.objects.filter(_open(), checkpoint=checkpoint).exists()


def call_worker(checkpoint_id: int, *, expires: float | None = None) -> None:
    """Enqueue; a dead broker does no harm, for the workers' sweep finds all that waits."""
    try:
        generate.apply_async((checkpoint_id,), retry=False, expires=expires)
    except Exception as error:  # noqa: BLE001 - whatever the broker's transport raises
        _log.warning("the broker did not take the message, so the next sweep will: %s", error)


def sweep(*, also_failed: bool = False) -> None:
    """Enqueue for every checkpoint with open work; messages expire before the next sweep.

    A checkpoint that could not be prepared is left alone, unless ``also_failed``.
    """
    open_ones = Checkpoint.objects.filter(completions__in=Completion.objects.filter(_open())).distinct()
    if not also_failed:
        open_ones = open_ones.exclude(status=Checkpoint.Status.FAILED)
    for pk in open_ones.order_by("pk").values_list("pk", flat=True):
        call_worker(pk, expires=settings.GENERATION_SWEEP_SECONDS)


def report_worker(name: str, activity: str) -> None:
    """Say that a worker lives, and forget those that were last seen long ago."""
    now = timezone.now()
    Worker.objects.update_or_create(name=name, defaults={"seen_at": now, "activity": activity})
    Worker.objects.filter(seen_at__lt=now - _FORGET).delete()


def forget_worker(name: str) -> None:
    """Say that a worker has ended."""
    Worker.objects.filter(name=name).delete()


def _open() -> Q:
    return Q(status=Completion.Status.PENDING) | runs.stale_claims()


@contextmanager
def _interruptible(checkpoint: Checkpoint) -> Iterator[None]:
    """Raise `runs.Stopped` from within when the worker is asked to stop; preparing can take long.

    A thread watches, keeps the checkpoint's row fresh, and interrupts the main thread by a signal.
    """
    check_stop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = threading.Event()

    def interrupt(*_: Any) -> None:
        if not ended.is_set():
            ended.set()
            raise runs.Stopped

    before = signal.signal(signal.SIGUSR2, interrupt)
    watcher = threading.Thread(target=_watch, args=(checkpoint, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGUSR2, before)


def _watch(checkpoint: Checkpoint, ended: threading.Event) -> None:
    due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS
    try:
        while not ended.wait(_GLANCE_SECONDS):
            if _stop[0]:
                signal.raise_signal(signal.SIGUSR2)
                return
            if time.monotonic() >= due:
                preparing.keep_hold(checkpoint)
                due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS
    finally:
        connection.close()
