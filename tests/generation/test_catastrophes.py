"""What dies while completions are written: workers, broker, database. Nothing is lost or doubled."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import redis
from celery import Celery

from generation.engine import Engine
from tests import services_kit
from tests.generation import rows, worker_site
from tests.generation.fake_worker import BREAKS, KILLS, WAITS, at_length
from tests.generation.worker_site import Site
from tests.tables_kit import make_tables

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SEED = 20261123
APP = "tests.generation.fake_worker"
STUDY = """
from tests.generation import study_of_texts
study_of_texts.make(sys.argv[1], json.loads(sys.argv[2]))
"""
WATCH = """
from django.db import Error, connection
from studies.management.study_base import find
from studies.queries.status import status
for line in sys.stdin:
    slug, what = line.split()
    try:
        report = status(find({"slug": slug})) if what == "status" else {
            "texts": list(Completion.objects.order_by("pk").values_list("request__noise__prompt",
                "request__noise__stream", "request__noise__replicate", "text", "status", "error", "attempts",
                "claimed_by")),
            "workers": Worker.objects.count(),
        }
    except Error as error:
        connection.close()
        report = {"away": str(error)}
    print(json.dumps(report), flush=True)
"""


@dataclass(frozen=True)
class Servers:
    """A Redis and a PostgreSQL."""

    redis: services_kit.Redis
    postgres: str


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with services_kit.restartable_redis() as broker, services_kit.postgres() as server:
        yield Servers(broker, server)


@pytest.fixture
def site(servers: Servers, tmp_path: Path) -> Iterator[Site]:
    servers.redis.restart()
    with services_kit.database(servers.postgres) as url:
        environment = worker_site.environment(
            tmp_path,
            DATABASE_URL=url,
            REDIS_URL=servers.redis.url,
            FAKE_STEP_MS="25",
            EVENHAND_STALE="20",
        )
        make_tables(environment)
        yield Site(tmp_path, environment, servers.redis.restart)


def study(site: Site, texts: list[str]) -> None:
    assert site.python(STUDY, "texts", json.dumps(texts)).wait(worker_site.PATIENCE) == 0


class Progress:
    """Asks for a study's status all the time, as its page does, and notes whatever cannot be."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.wrong: list[str] = []
        self.seen: list[dict] = []
        self.away = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def finished(self) -> bool:
        return bool(self.seen) and self.seen[-1]["status"] == "ready"

    def _ask(self) -> None:
        with self._site.watched(WATCH) as look:
            while not self._ended.wait(0.05):
                report = look("texts status")
                if "away" in report:
                    self.away += 1
                    continue
                self._judge(report)
                self.seen.append(report)

    def _judge(self, report: dict) -> None:
        counts = report["completions"]
        before = self.seen[-1]["completions"] if self.seen else {"done": 0, "total": counts["total"]}
        if counts["total"] != before["total"]:
            self.wrong.append(f"the total became {counts['total']}")
        if counts["done"] < before["done"] or counts["done"] > counts["total"]:
            self.wrong.append(f"done went from {before['done']} to {counts['done']} of {counts['total']}")
        live = report.get("generation")
        parts = [counts["done"], counts["failed"]] + ([live["waiting"], live["in_flight"]] if live else [])
        # The two are read one after the other: while a study goes on, one may be a moment older.
        if not live and sum(parts) != counts["total"]:
            self.wrong.append(f"{parts} do not make {counts['total']}")


class Fleet:
    """Workers that somebody starts again when they end, as `make run` does."""

    def __init__(self, site: Site, number: int, stack: ExitStack) -> None:
        self._site = site
        self._names = [f"w{index}" for index in range(number)]
        self.workers = {name: site.start(name, app=APP) for name in self._names}
        stack.callback(lambda: [worker_site.kill(worker) for worker in self.workers.values()])

    def kill(self, name: str) -> None:
        """Kill a whole worker and start it again."""
        worker_site.kill(self.workers[name])
        self.workers[name] = self._site.start(name, app=APP)

    def kill_child(self, name: str) -> None:
        """Kill the process that writes; its worker forks another."""
        pid = self.workers[name].pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)


def texts(site: Site) -> list[list]:
    with site.watched(WATCH) as look:
        return look("texts texts")["texts"]


def assert_each_is_there_once(
    found: list[list], prompts: int, *, drawn_out: Callable[[str], str] = str
) -> None:
    expected = {
        (f"p{number}", arm, replicate)
        for number in range(prompts)
        for arm in ("standard", "guided")
        for replicate in range(2)
    }
    assert Counter(tuple(row[:3]) for row in found) == Counter(expected)
    # Oracle: the fake generator's text is a function of the request alone.
    assert {row[3] for row in found} == {drawn_out("/".join(map(str, place))) for place in expected}
    assert {row[4] for row in found} == {"done"}


def test_two_workers_survive_kills_and_restarts_of_all_that_they_stand_on(
    site: Site, servers: Servers
) -> None:
    prompts, gate = 50, site.data / "gate"
    # The last prompt is not finished before the gate opens, so that the disasters always find work under way.
    study(site, [f"Prompt {number}" for number in range(prompts - 1)] + [WAITS])
    rng = np.random.default_rng(SEED)
    site.environment |= {"EVENHAND_ATTEMPTS": "50", "FAKE_GATE": str(gate)}
    with ExitStack() as stack:
        fleet = Fleet(site, 2, stack)
        disasters: list[Callable[[str], object]] = [
            fleet.kill,
            fleet.kill_child,
            fleet.kill_child,
            lambda _: servers.redis.restart(),
            lambda _: services_kit.crash_postgres(servers.postgres),
            lambda _: services_kit.crash_postgres(servers.postgres),
        ]
        progress = stack.enter_context(Progress(site))
        site.wait(lambda: bool(progress.seen) and progress.seen[-1]["completions"]["done"] > 0)
        for number in rng.permutation(len(disasters)):
            time.sleep(rng.uniform(0.2, 0.9))
            disasters[number](f"w{rng.integers(2)}")
        # Somebody surely held work that he never finished.
        site.wait(lambda: (progress.seen[-1].get("generation") or {}).get("in_flight", 0) > 0)
        fleet.kill_child("w0")
        fleet.kill_child("w1")
        # Work was still to be done, or the test would show nothing.
        disturbed = progress.seen[-1]["completions"]["done"]
        gate.touch()
        site.wait(lambda: progress.finished)

    assert disturbed < 4 * prompts
    assert progress.wrong == []
    assert progress.away > 0
    found = texts(site)
    assert_each_is_there_once(found, prompts)
    assert max(row[6] for row in found) > 1


def test_what_kills_or_breaks_workers_fails_alone_and_the_rest_is_done(site: Site) -> None:
    prompts = [f"Prompt {number}" for number in range(20)]
    prompts[4], prompts[11] = KILLS, BREAKS
    study(site, prompts)
    site.environment["FAKE_STEP_MS"] = "2"
    with ExitStack() as stack:
        Fleet(site, 2, stack)
        with site.watched(WATCH) as look:
            site.wait(
                lambda: (
                    look("texts status")["completions"]["done"]
                    + look("texts status")["completions"]["failed"]
                    == 80
                )
            )

    found = texts(site)
    failed = [row for row in found if row[4] == "failed"]
    assert {(row[0], row[5].split(",")[0].split(": shapes")[0]) for row in failed} == {
        ("p4", "Begun at least 3 times and never finished"),
        ("p11", "The generator broke: RuntimeError"),
    }
    assert len(failed) == 8
    assert all(3 <= row[6] <= 5 for row in failed)
    assert {row[4] for row in found if row not in failed} == {"done"}


def test_messages_that_are_delivered_again_and_again_do_no_harm(site: Site, servers: Servers) -> None:
    prompts = 20
    study(site, [f"Prompt {number}" for number in range(prompts)])
    site.environment |= {"FAKE_REDELIVERY": "1", "FAKE_STEP_MS": "60"}
    began = time.monotonic()
    with ExitStack() as stack:
        Fleet(site, 2, stack)
        nagged = stack.enter_context(redelivery(servers.redis.url))
        with site.watched(WATCH) as look:
            site.wait(lambda: look("texts status")["status"] == "ready")
        with redis.Redis.from_url(servers.redis.url) as connection:
            queued = connection.llen("celery")

    assert nagged[0] > 0
    assert_each_is_there_once(texts(site), prompts)
    log = "\n".join(path.read_text() for path in site.logs)
    begun = len(set(re.findall(r"Task generation\.generate\[([\w-]+)\] received", log)))
    # A few a second come from the workers' own looks at the database; what comes again makes no new ones.
    assert begun <= 4 * len(site.logs) * max(15, time.monotonic() - began)
    assert queued <= begun


def test_what_was_written_while_the_disk_was_full_is_there_once_when_there_is_room(
    site: Site, servers: Servers
) -> None:
    prompts, full = 8, "No space left on device"
    study(site, [f"Prompt {number}" for number in range(prompts)])
    site.environment |= {"EVENHAND_ATTEMPTS": "50", "FAKE_LONG": "1"}
    with ExitStack() as stack:
        make_room = stack.enter_context(
            services_kit.full_disk(site.environment["DATABASE_URL"], "generation_completion")
        )
        fleet = Fleet(site, 2, stack)
        progress = stack.enter_context(Progress(site))
        site.wait(lambda: all(full in path.read_text() for path in site.logs))
        # One dies with a text in its hands that found no room.
        fleet.kill_child("w0")
        site.wait(lambda: progress.seen[-1]["generation"]["in_flight"] > 0)
        refused = progress.seen[-1]["completions"]
        make_room()
        site.wait(lambda: progress.finished)

    assert (refused["done"], refused["failed"]) == (0, 0)
    assert progress.wrong == []
    assert_each_is_there_once(texts(site), prompts, drawn_out=at_length)


def test_four_workers_share_a_small_study_and_none_writes_what_another_does(site: Site) -> None:
    prompts = 30
    # However slow the machine, nobody is taken for dead. One worker alone would have room for everything.
    site.environment |= {"EVENHAND_STALE": "300", "EVENHAND_ROWS": "400"}
    with ExitStack() as stack:
        Fleet(site, 4, stack)
        with site.watched(WATCH) as look:
            site.wait(lambda: look("none texts")["workers"] == 4)
        study(site, [f"Prompt {number}" for number in range(prompts)])
        progress = stack.enter_context(Progress(site))
        site.wait(lambda: progress.finished)

    assert progress.wrong == []
    found = texts(site)
    assert_each_is_there_once(found, prompts)
    # Nobody died, so nobody began what somebody else had begun.
    assert {row[6] for row in found} == {1}
    # A quarter of 120 each; on a busy machine one may come late, and then the others have taken more.
    parts = Counter(row[7] for row in found)
    assert len(parts) == 4
    assert max(parts.values()) <= 60


def test_two_workers_with_the_real_engine_write_what_one_writes(
    site: Site, tiny_folder: Path, llama_engine: Engine
) -> None:
    wanted = rows.grid(6, 2, 2)
    assert site.python(worker_site.SEED, f"path:{tiny_folder}", "6", "2", "2").wait(worker_site.PATIENCE) == 0
    with site.worker("w0"), site.worker("w1"), site.watched() as look:
        site.wait(lambda: {kind for kind, _ in look()["kinds"]} == {"done"})
        written = look("texts")["texts"]

    # Oracle: the same requests in one run in this process.
    batches = [[replace(request, key=key) for key, request in enumerate(wanted.values())]]
    alone = llama_engine.generate(lambda _: batches.pop() if batches else [], lambda _: None)
    places = list(wanted)
    assert sorted(written) == sorted([*places[one.key], list(one.token_ids)] for one in alone)


@contextmanager
def redelivery(url: str) -> Iterator[list[int]]:
    """Give every message back that a worker has not confirmed for a second; count them."""
    nagger = Celery(broker=url, broker_transport_options={"visibility_timeout": 1})
    ended = threading.Event()
    given_back = [0]

    def nag() -> None:
        with nagger.connection_for_read() as connection, redis.Redis.from_url(url) as database:
            channel = connection.default_channel
            while not ended.wait(0.25):
                late = database.zcount("unacked_index", 0, time.time() - 1)
                given_back[0] += late
                channel.qos.restore_visible(num=100, interval=1)

    thread = threading.Thread(target=nag)
    thread.start()
    try:
        yield given_back
    finally:
        ended.set()
        thread.join()
