"""A Celery worker beside a site, as `make run` has one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.site_kit import ROOT, Site


@contextmanager
def worker(site: Site, *, app: str = "config", **environment: str) -> Iterator[None]:
    """Run a worker of the Celery application ``app``; `tests.generation.fake_worker` needs no model."""
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "--concurrency", "1"]
    with (site.data / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=site.environment | {"EVENHAND_SWEEP": "2", "EVENHAND_THREADS": "1"} | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
