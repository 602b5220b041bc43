"""The Celery application: `celery -A config worker`."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.signals import worker_shutting_down
from celery.worker import state

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("evenhand")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["generation", "studies"])

_log = logging.getLogger(__name__)
_sweeps: list[Callable[[], None]] = []
_beats: list[Callable[[], None]] = []


def on_sweep(sweep: Callable[[], None]) -> Callable[[], None]:
    """Have a worker call ``sweep`` whenever it looks for work; a decorator, for modules of tasks."""
    _sweeps.append(sweep)
    return sweep


def on_beat(beat: Callable[[], None]) -> Callable[[], None]:
    """Have a worker call ``beat`` as often as it sweeps, and also while it is busy: a decorator like that."""
    _beats.append(beat)
    return beat


class Sweeper(bootsteps.StartStopStep):  # type: ignore[misc, unused-ignore]
    """Looks for work in the database every few seconds, so that lost messages lose nothing.

    It runs in the worker's main process, also while the pool is busy, and thereby says that the
    worker lives.
    """

    # After the pool: its processes are forked before this one opens a connection.
    requires = {"celery.worker.components:Timer", "celery.worker.components:Pool"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        # Imported before the pool forks, for the flag that its processes share.
        from generation import presence, tasks  # noqa: PLC0415 - Django is set up by now, not before

        self._tasks, self._presence = tasks, presence
        self._first = True
        self._ended = False
        # The timer may be a thread, which goes on for a moment after the stop.
        self._one_at_a_time = threading.Lock()

    def start(self, parent: Any) -> None:
        """Sweep at once, then on and on."""
        from django.conf import settings  # noqa: PLC0415 - Django is set up by now, not before

        parent.timer.call_after(0, self._sweep, (parent,))
        parent.timer.call_repeatedly(settings.GENERATION_SWEEP_SECONDS, self._sweep, (parent,))

    def stop(self, parent: Any) -> None:
        """Say that the worker ends."""
        with self._one_at_a_time:
            self._ended = True
            self._guarded(self._presence.forget_node, parent.hostname)

    def _sweep(self, worker: Any) -> None:
        with self._one_at_a_time:
            if not self._ended:
                self._look_round(worker)

    def _look_round(self, worker: Any) -> None:
        busy = len(state.reserved_requests) >= (worker.concurrency or 1)
        self._guarded(self._presence.report_node, worker.hostname, busy=busy)
        for beat in _beats:
            self._guarded(beat)
        if not busy:
            self._guarded(self._tasks.sweep, also_failed=self._first)
            self._first = False
            for sweep in _sweeps:
                self._guarded(sweep)

    def _guarded(self, act: Any, *args: Any, **options: Any) -> None:
        """Outlive a database that is away, and leave no connection open for a fork to inherit."""
        from django.db import connection  # noqa: PLC0415 - Django is set up by now, not before

        try:
            act(*args, **options)
        except Exception as error:  # noqa: BLE001 - the next sweep tries again
            _log.warning("the sweep failed and will be tried again: %s", error)
        finally:
            connection.close()


app.steps["worker"].add(Sweeper)


@worker_shutting_down.connect  # type: ignore[untyped-decorator, unused-ignore]
def _stop_generating(**_: Any) -> None:
    """Let a completion in the making not hold up the worker's end."""
    from generation import tasks  # noqa: PLC0415 - it imports this module

    tasks.ask_to_stop()
