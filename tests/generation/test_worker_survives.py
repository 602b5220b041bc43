"""Real Celery workers, killed at many moments, on both run modes' databases and brokers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import redis

from generation.engine import Engine
from tests import services_kit
from tests.generation import rows

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90
PROMPTS, ARMS, REPLICATES = 10, 2, 2
TOTAL = PROMPTS * ARMS * REPLICATES
DJANGO = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from generation.models import Checkpoint, Completion, Worker
from tests.generation import rows
"""
SEED = """
rows.ask(sys.argv[1], rows.grid(*map(int, sys.argv[2:])))
"""
WATCH = """
from django.db import connection
for line in sys.stdin:
    completions = Completion.objects.order_by("pk")
    kinds = list(completions.values_list("status", "attempts"))
    report = {"kinds": kinds, "stage": Checkpoint.objects.get().status, "workers": Worker.objects.count()}
    if line.strip() == "texts":
        report["texts"] = [
            [c.prompt_key.int, c.arm_key.int, c.replicate, c.token_ids] for c in completions
        ]
    print(json.dumps(report), flush=True)
"""


@dataclass
class Site:
    """A data folder, a database and a broker of its own."""

    data: Path
    environment: dict[str, str]
    lose_messages: Callable[[], None]
    logs: list[Path] = field(default_factory=list)

    def python(self, code: str, *arguments: str, **options) -> subprocess.Popen:
        command = [sys.executable, "-c", DJANGO + code, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, text=True, **options)

    def seed(self, folder: Path) -> None:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=self.environment, check=True)
        size = (str(number) for number in (PROMPTS, ARMS, REPLICATES))
        assert self.python(SEED, f"path:{folder}", *size).wait(PATIENCE) == 0

    @contextmanager
    def watched(self) -> Iterator[Callable[..., dict]]:
        """Yield a function that looks into the database."""
        with self.python(WATCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watcher:

            def look(what: str = "") -> dict:
                watcher.stdin.write(f"{what}\n")
                watcher.stdin.flush()
                return json.loads(watcher.stdout.readline())

            yield look
            watcher.stdin.close()

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen]:
        """Start a worker in a process group of its own; kill what is left of it at the end."""
        self.logs.append(self.data / f"worker-{len(self.logs)}.log")
        with self.logs[-1].open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def wait(self, reached: Callable[[], bool]) -> None:
        ends = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < ends, self.logs[-1].read_text()[-4000:]
            time.sleep(0.02)


@pytest.fixture(params=["sqlite and files", "postgresql and redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path, tiny_folder: Path) -> Iterator[Site]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")},
        "EVENHAND_DATA": str(tmp_path),
        "EVENHAND_THREADS": "1",
        "EVENHAND_ROWS": "12",
        "EVENHAND_SWEEP": "1",
        "EVENHAND_HEARTBEAT": "1",
        "EVENHAND_ATTEMPTS": "50",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    if request.param == "sqlite and files":
        made = Site(tmp_path, environment, lambda: _empty(tmp_path / "broker" / "queue"))
        made.seed(tiny_folder)
        yield made
        return
    url = request.getfixturevalue("redis_url")
    with services_kit.database(request.getfixturevalue("postgres_url")) as database:
        environment |= {"DATABASE_URL": database, "REDIS_URL": url}
        made = Site(tmp_path, environment, lambda: _flush(url))
        made.seed(tiny_folder)
        yield made


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as connection:
        connection.flushall()


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def count(report: dict, status: str) -> int:
    return sum(kind == status for kind, _ in report["kinds"])


def test_every_completion_is_written_once_however_often_the_worker_is_killed(
    site: Site, llama_engine
) -> None:
    with site.watched() as look:
        moments: list[Callable[[dict], bool]] = [
            lambda far: far["stage"] != "new",
            lambda far: count(far, "claimed") > 0,
            lambda far: count(far, "done") > 2,
            lambda far: count(far, "done") > TOTAL // 2,
        ]
        for moment in moments:
            site.lose_messages()
            with site.worker():
                site.wait(lambda moment=moment: moment(look()))
        killed = look()
        with site.worker():
            site.wait(lambda: count(look(), "done") == TOTAL)
        written = look("texts")

    # The worker died with work in its hands, or the test would show nothing.
    assert count(killed, "done") < TOTAL
    assert max(attempts for _, attempts in written["kinds"]) > 1
    # Oracle: the same requests in one run that nobody disturbs.
    assert sorted(written["texts"]) == sorted(undisturbed(llama_engine))


def undisturbed(engine: Engine) -> list[list]:
    wanted = rows.grid(PROMPTS, ARMS, REPLICATES)
    places = list(wanted)
    batches = [[replace(request, key=key) for key, request in enumerate(wanted.values())]]
    results = engine.generate(lambda _: batches.pop() if batches else [], lambda _: None)
    return [[*places[result.key], list(result.token_ids)] for result in results]


def test_worker_that_is_asked_to_end_gives_back_what_it_holds(site: Site) -> None:
    with site.watched() as look, site.worker() as worker:
        site.wait(lambda: count(look(), "claimed") > 0)
        worker.terminate()
        worker.wait(30)
        left = look()

    assert worker.returncode == 0
    assert count(left, "claimed") == 0
    assert {attempts for kind, attempts in left["kinds"] if kind == "pending"} == {0}
    assert left["workers"] == 0
