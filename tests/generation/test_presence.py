import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from generation import presence
from generation.models import Worker
from generation.presence import Desk, Load, Meter, State
from tests.generation import rows

pytestmark = pytest.mark.django_db


def dead_owner() -> str:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return f"{socket.gethostname()}:{ended.pid}:1"


def states() -> list[tuple[str, str]]:
    return [(worker.name, worker.state) for worker in presence.workers()]


def test_a_worker_says_what_it_does_in_one_row_and_one_query(django_assert_num_queries) -> None:
    desk = Desk("celery@here")
    desk.say(State.LOADING, checkpoint="tiny")
    desk.say(State.READING, device="CPU")

    with django_assert_num_queries(1):
        desk.write(Load(rows=6, speed=12.5))

    (seen,) = presence.workers()
    assert (seen.state, seen.label, seen.checkpoint, seen.device) == ("writing", "Writing", "tiny", "CPU")
    assert (seen.rows, seen.speed) == (6, 12.5)


def test_a_worker_at_rest_has_nothing_in_flight() -> None:
    desk = Desk("celery@here")
    desk.write(Load(rows=6, speed=12.5))

    desk.rest()

    (seen,) = presence.workers()
    assert (seen.state, seen.rows, seen.speed) == ("idle", 0, 0.0)


def test_a_process_that_died_is_lost_at_once_and_one_that_is_silent_after_a_while() -> None:
    now = timezone.now()
    Worker.objects.create(name="alive", seen_at=now, state="writing", rows=4)
    Worker.objects.create(name="dead", seen_at=now, owner=dead_owner(), state="writing", rows=4, speed=9)
    Worker.objects.create(name="silent", seen_at=now - timedelta(minutes=2), state="writing")
    Worker.objects.create(name="long gone", seen_at=now - timedelta(minutes=30))

    assert states() == [("alive", "writing"), ("dead", "lost"), ("silent", "lost")]
    assert [(worker.rows, worker.speed) for worker in presence.workers() if worker.lost] == [(0, 0.0)] * 2


def test_the_main_process_corrects_what_a_killed_one_said_last() -> None:
    Worker.objects.create(
        name="celery@here", node="celery@here", seen_at=timezone.now(), owner=dead_owner(), state="writing"
    )

    presence.report_node("celery@here", busy=True)

    assert states() == [("celery@here", "idle")]


def test_the_main_process_leaves_a_busy_one_as_it_describes_itself() -> None:
    Desk("celery@here").write(Load(rows=3))

    presence.report_node("celery@here", busy=True)
    assert states() == [("celery@here", "writing")]

    presence.report_node("celery@here", busy=False)
    assert states() == [("celery@here", "idle")]


def test_a_worker_is_seen_before_its_first_task_and_forgotten_when_it_ends() -> None:
    presence.report_node("celery@here", busy=False)
    Desk("celery@here 2", node="celery@here").rest()
    assert states() == [("celery@here", "idle"), ("celery@here 2", "idle")]

    presence.forget_node("celery@here")
    assert states() == []


def test_workers_long_unseen_are_deleted() -> None:
    Worker.objects.create(name="celery@old", seen_at=timezone.now() - timedelta(days=2))

    presence.report_node("celery@here", busy=False)

    assert list(Worker.objects.values_list("name", flat=True)) == ["celery@here"]


def test_meter_counts_tokens_by_rows_and_also_those_after_the_last_look(monkeypatch) -> None:
    clock = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr(presence.time, "monotonic", lambda: next(clock))
    meter = Meter()
    guided = rows.request(guided=True)
    standard = rows.request()
    meter.begin(replace(guided, key=1))
    meter.begin(replace(standard, key=2))

    first = meter.load({1: 4, 2: 4})
    meter.end(2, 8)
    second = meter.load({1: 10})

    # 4 x 2 + 4 x 1 = 12 in two seconds; then 6 x 2 + 4 x 1 more, 28 in four seconds.
    assert (first.rows, first.speed) == (3, 6.0)
    assert (second.rows, second.speed) == (2, 7.0)
