"""Real Celery workers on a database and a broker of their own, for tests and benchmarks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.tables_kit import make_tables

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240
"""Seconds that a test waits at the most; a machine with nothing else to do needs a tenth."""
DJANGO = """
import json, os, sys
import django
django.setup()
from generation.models import Checkpoint, Completion, Worker
from tests.generation import rows
"""
SEED = """
rows.ask(sys.argv[1], rows.grid(*map(int, sys.argv[2:])))
"""
WATCH = """
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
        """Run code in a process that has Django set up."""
        command = [sys.executable, "-c", DJANGO + code, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, text=True, **options)

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def seed(self, folder: Path | str, *size: int) -> None:
        """Make the tables, and ask for completions of a checkpoint."""
        make_tables(self.environment)
        assert self.python(SEED, f"path:{folder}", *map(str, size)).wait(PATIENCE) == 0

    @contextmanager
    def watched(self, code: str = WATCH) -> Iterator[Callable[..., dict]]:
        """Yield a function that looks into the database."""
        with self.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watcher:

            def look(what: str = "") -> dict:
                watcher.stdin.write(f"{what}\n")
                watcher.stdin.flush()
                return json.loads(watcher.stdout.readline())

            yield look
            watcher.stdin.close()

    def start(self, name: str = "celery", *, app: str = "config") -> subprocess.Popen:
        """Start a worker in a process group of its own."""
        self.logs.append(self.data / f"worker-{len(self.logs)}.log")
        command = ["-m", "celery", "-A", app, "worker", "--loglevel", "INFO", "--hostname", f"{name}@%h"]
        with self.logs[-1].open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @contextmanager
    def worker(self, name: str = "celery", *, app: str = "config") -> Iterator[subprocess.Popen]:
        """Start a worker; kill what is left of it at the end."""
        process = self.start(name, app=app)
        try:
            yield process
        finally:
            kill(process)

    def wait(self, reached: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until something is so; show a worker's log when it takes too long."""
        ends = time.monotonic() + patience
        while not reached():
            assert time.monotonic() < ends, self.logs[-1].read_text()[-4000:]
            time.sleep(0.02)


def kill(process: subprocess.Popen) -> None:
    """Kill a worker with all its processes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(data: Path, **more: str) -> dict[str, str]:
    """Return what workers of a test are started with; nothing of this machine's settings reaches them."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")},
        "EVENHAND_DATA": str(data),
        "EVENHAND_THREADS": "1",
        "EVENHAND_ROWS": "12",
        "EVENHAND_SWEEP": "1",
        "EVENHAND_HEARTBEAT": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **more,
    }


def flush(url: str) -> None:
    """Lose every message of a Redis."""
    with redis.Redis.from_url(url) as connection:
        connection.flushall()


def empty(folder: Path) -> None:
    """Lose every message of a folder."""
    shutil.rmtree(folder)
    folder.mkdir()
