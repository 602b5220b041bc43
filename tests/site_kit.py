"""A real site for tests: gunicorn as `make run` starts it, in a data folder and on a port of its own.

    with running_site() as site:
        invite = site.seed("tests.site_seed:open_study", comparisons=6)["invite"]
        urlopen(f"{site.url}/s/{invite}/")

Plain context managers without pytest, so that benchmarks and scripts can use them too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services_kit import free_port
from tests.tables_kit import make_tables

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 60
_MARK = "seeded: "


@dataclass
class Site:
    """A site that answers at ``url``; what it prints is in ``log``."""

    url: str
    environment: dict[str, str]
    data: Path
    process: "subprocess.Popen[bytes] | None" = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.data / "site.log"

    def manage(self, *arguments: str) -> str:
        """Run a management command in the site's environment and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = (
                f"manage.py {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
            raise RuntimeError(message)
        return done.stdout

    def seed(self, function: str, **arguments: Any) -> Any:
        """Call `module:function` inside the site and return its answer, which JSON can say."""
        module, name = function.split(":")
        code = (
            f"import json; from {module} import {name}; "
            f"print({_MARK!r} + json.dumps({name}(**json.loads({json.dumps(arguments)!r}))))"
        )
        lines = self.manage("shell", "--no-imports", "-c", code).splitlines()
        return json.loads(next(line for line in lines if line.startswith(_MARK)).removeprefix(_MARK))

    def start(self) -> None:
        """Start gunicorn and wait until it answers."""
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.server", "config.wsgi"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        self.stop()
        message = f"The site did not start:\n{self.log.read_text(errors='replace')[-4000:]}"
        raise RuntimeError(message)

    def _answers(self) -> bool:
        try:
            # Any answer will do, so ask for a page that every installation refuses.
            urllib.request.urlopen(f"{self.url}/s/nobody/", timeout=5).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End gunicorn; the data stay."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running_site(env: Mapping[str, str] | None = None) -> Iterator[Site]:
    """Set up and start a site with the variables ``env`` (such as `DATABASE_URL`), and stop it at the end.

    The data folder is new and deleted at the end, unless ``env`` names one.
    """
    given = dict(env or {})
    folder = Path(given.get("EVENHAND_DATA") or tempfile.mkdtemp(prefix="evenhand-site-"))
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _NOT_INHERITED},
        "EVENHAND_DATA": str(folder),
        "PORT": str(port),
        "EVENHAND_URL": f"http://127.0.0.1:{port}",
        "PYTHONWARNINGS": "default",
        **given,
    }
    site = Site(url=f"http://127.0.0.1:{port}", environment=environment, data=folder)
    try:
        make_tables(environment)
        site.manage("collectstatic", "--no-input", "--verbosity", "0")
        site.start()
        yield site
    finally:
        site.stop()
        if "EVENHAND_DATA" not in given:
            shutil.rmtree(folder, ignore_errors=True)


_NOT_INHERITED = {
    "DJANGO_SETTINGS_MODULE",
    "HOST",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "EVENHAND_DEBUG",
    "EVENHAND_HOSTS",
}
"""What the tests' own process has set must not reach the site."""
