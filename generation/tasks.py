"""What a worker does: fetch a checkpoint, delegate, hand over. The way from Celery to the engine."""

from __future__ import annotations

import logging
import mmap
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from billiard import current_process
from django.conf import settings
from django.db import connection

from config.celery import app
from generation import calling, preparing, presence, runs
from generation.models import Checkpoint, Completion
from generation.patience import AWAY, forgivingly

_log = logging.getLogger(__name__)
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


@app.task(name="generation.generate", bind=True)  # type: ignore[untyped-decorator, unused-ignore]
def generate(self: Any, checkpoint_id: int) -> None:
    """Write pending completions of a checkpoint for a few minutes, then hand over to a fresh task."""
    desk = _desk(self.request.hostname or "here")
    try:
        checkpoint = Checkpoint.objects.get(pk=checkpoint_id)
        if not waiting(checkpoint):
            return
        _write(checkpoint, desk)
        more = waiting(checkpoint)
    except runs.Stopped:
        _log.info("asked to stop: what was claimed is given back")
        return
    except preparing.NotReadyError as reason:
        _log.warning("%s", reason)
        return
    except AWAY as error:
        _log.warning("the database is away, so a later sweep goes on: %s", error)
        return
    except runs.BrokenError:
        # Whom it can be blamed on is tried alone, so this comes to an end.
        call_worker(checkpoint_id)
        desk.rest()
        _start_afresh()
        raise
    finally:
        # The worker's main process may have signed off for all by now: what rested would stay as a ghost.
        if _stop[0]:
            desk.leave()
        else:
            desk.rest()
    if more:
        call_worker(checkpoint_id)


def _write(checkpoint: Checkpoint, desk: presence.Desk) -> None:
    """Make the checkpoint ready and write what waits for it, saying all the while what goes on."""
    seconds = settings.GENERATION_TASK_SECONDS
    forgivingly(lambda: desk.say(presence.State.LOADING, checkpoint=checkpoint.name, activity=""))
    if checkpoint.endpoint:
        forgivingly(lambda: desk.say(presence.State.READING, device="a server"))
        calling.write(checkpoint, seconds=seconds, check=check_stop, tell=desk.write)
        return
    with _interruptible(checkpoint, desk):
        engine = preparing.ready_engine(checkpoint)
    if checkpoint.status != Checkpoint.Status.READY:
        # Others that came meanwhile were sent away until it was prepared.
        call_workers(checkpoint.pk, least=0)
    forgivingly(lambda: desk.say(presence.State.READING, device=preparing.device_name(engine)))
    runs.run(checkpoint, engine, seconds=seconds, check=check_stop, tell=desk.write)


def _start_afresh() -> None:
    """End this process if the worker forks another: after some errors a GPU answers nobody else here."""
    if current_process().name != "MainProcess":
        _log.exception("the generator broke, so this process ends and another takes its place")
        logging.shutdown()
        os._exit(1)


def _desk(hostname: str) -> presence.Desk:
    """Return where this process says what it does: each process of a worker has a row of its own."""
    index = getattr(current_process(), "index", 0) or 0
    return presence.Desk(f"{hostname} {index + 1}" if index else hostname, node=hostname)


def waiting(checkpoint: Checkpoint) -> bool:
    """Whether completions of the checkpoint are to be written, or claimed by somebody who is gone."""
    completions = Completion.objects.filter(checkpoint=checkpoint)
    return runs.wanted(completions).exists() or completions.filter(runs.stale_claims()).exists()


def call_worker(checkpoint_id: int) -> None:
    """Enqueue; a dead broker does no harm, for the workers' sweep finds all that waits.

    Messages expire before the next sweep. So those that a broker delivers again and again die out, and
    a worker that was away does not find a heap of them.
    """
    try:
        generate.apply_async((checkpoint_id,), retry=False, expires=settings.GENERATION_SWEEP_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever the broker's transport raises
        _log.warning("the broker did not take the message, so the next sweep will: %s", error)


def call_workers(checkpoint_id: int, *, least: int = 1) -> None:
    """Enqueue once for each worker that has nothing to do, so that they share; ``least`` if none is known."""
    for _ in range(max(least, presence.idle())):
        call_worker(checkpoint_id)


def sweep(*, also_failed: bool = False) -> None:
    """Enqueue for every checkpoint with open work.

    A checkpoint that could not be prepared is left alone, unless ``also_failed``.
    """
    checkpoints = Checkpoint.objects.exclude(status=Checkpoint.Status.FAILED)
    if also_failed:
        checkpoints = Checkpoint.objects.all()
    for checkpoint in checkpoints.order_by("pk"):
        if waiting(checkpoint):
            call_worker(checkpoint.pk)


@contextmanager
def _interruptible(checkpoint: Checkpoint, desk: presence.Desk) -> Iterator[None]:
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
    watcher = threading.Thread(target=_watch, args=(checkpoint, desk, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGUSR2, before)


def _watch(checkpoint: Checkpoint, desk: presence.Desk, ended: threading.Event) -> None:
    due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS
    try:
        while not ended.wait(_GLANCE_SECONDS):
            if _stop[0]:
                signal.raise_signal(signal.SIGUSR2)
                return
            if time.monotonic() >= due:
                forgivingly(lambda: preparing.keep_hold(checkpoint))
                forgivingly(desk.touch)
                due = time.monotonic() + settings.GENERATION_HEARTBEAT_SECONDS
    finally:
        connection.close()
