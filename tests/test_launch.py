"""`make run` as a person meets it: the launcher as a process, its lines, its end."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.services_kit import free_port

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
STEERING = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "HOST", "DJANGO_SETTINGS_MODULE")
COMMAND = (sys.executable, "-m", "config.launch")
DOWN_SECONDS = 120
LAST_LINE = "Ctrl-C stops everything"


class Launched:
    """A running launcher and what it has printed so far."""

    def __init__(self, process, port):
        self.process = process
        self.port = port
        self.lines = []

    def read_until(self, start):
        """Read lines up to one that begins with ``start``."""
        while not (self.lines and self.lines[-1].startswith(start)):
            line = self.process.stdout.readline()
            assert line, f"it ended, having said {self.lines} and {self.process.stderr.read()!r}"
            self.lines.append(line.rstrip("\n"))

    def said(self, word):
        """Return what follows each `word: ` at the start of a line."""
        return [line.split(": ", 1)[1] for line in self.lines if line.startswith(f"{word}: ")]

    def family(self):
        """Return every process that the launcher has started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def program(self, word):
        """Return the first process whose command contains ``word``."""
        for child in psutil.Process(self.process.pid).children():
            # Between its death and the launcher's notice a process has no command.
            with suppress(psutil.NoSuchProcess):
                if word in child.cmdline():
                    return child
        return None

    def healthy(self):
        """Whether the site answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def end(self, number=signal.SIGINT):
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=DOWN_SECONDS)


def environment(data, port, **variables):
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in STEERING and not name.startswith("EVENHAND_")
    }
    return {**kept, "EVENHAND_DATA": str(data), "PORT": str(port), "EVENHAND_THREADS": "1", **variables}


@contextmanager
def launched(data, port=None):
    """Start Evenhand, wait until it has said everything, and end it in any case."""
    port = port or free_port()
    process = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env=environment(data, port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    running = Launched(process, port)
    try:
        running.read_until(LAST_LINE)
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(timeout=DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


def refused(data, port, **variables):
    """Run a launcher that cannot start; return its status and what it said on standard error."""
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(data, port, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DOWN_SECONDS,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def link(data):
    """Ask for the annotators' link as somebody in another terminal does, who names no port."""
    given = environment(data, 0)
    del given["PORT"]
    command = [sys.executable, "manage.py", "study", "link", "stay-on-topic"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.05)


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One installation for the whole module: it is started more than once."""
    folder = tmp_path_factory.mktemp("launched")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def first(data):
    """The first start of an installation: what it printed, and what was true while it ran."""
    with launched(data) as running:
        facts = {"healthy": running.healthy(), "link": link(data)}
        facts["second"] = refused(data, free_port())
        facts["taken"] = refused(data.parent / "other", running.port)
        worker = running.program("celery")
        worker.kill()
        running.read_until("The worker stopped")
        wait_for(lambda: (again := running.program("celery")) and again != worker)
        site = running.program("gunicorn")
        site.kill()
        running.read_until("The site stopped")
        wait_for(running.healthy)
        family = running.family()
        facts["status"] = running.end()
        facts["left"] = [process for process in family if not gone(process)]
        yield running, facts


def test_first_start_prints_where_everything_is(first, data):
    running, _ = first

    address = f"http://127.0.0.1:{running.port}/"
    assert running.said("dashboard") == [address]
    assert re.fullmatch(r"\S+ \S{12,}", running.said("researcher")[0])
    assert running.said("annotate")[0].startswith(address)
    assert running.said("data") == [str(data)]


def test_lines_come_in_the_promised_order(first):
    running, _ = first

    words = [line.split(": ")[0] for line in running.lines if re.match(r"[a-z]+: ", line)]
    assert words == ["dashboard", "researcher", "annotate", "data"]


def test_the_site_answers_once_its_address_is_printed(first):
    _, facts = first

    assert facts["healthy"]


def test_a_command_elsewhere_prints_the_running_sites_link(first):
    running, facts = first

    assert facts["link"] == running.said("annotate")[0]


def test_second_launcher_on_the_same_folder_is_refused(first, data):
    running, facts = first

    status, said = facts["second"]
    assert status == 1
    assert said == (
        f"Evenhand runs already on {data} (process {running.process.pid}, http://127.0.0.1:{running.port}): "
        "stop it first, or name another folder: EVENHAND_DATA=/path make run\n"
    )


def test_a_taken_port_is_one_line_and_status_one(first):
    running, facts = first

    assert facts["taken"] == (
        1,
        f"Port {running.port} is taken: stop what listens there, "
        f"or choose another: PORT={running.port % 65535 + 1} make run\n",
    )


def test_what_dies_is_started_again_and_said(first):
    running, _ = first

    told = [line for line in running.lines if "stopped (signal SIGKILL); it starts again in 1 s." in line]
    assert [line.split()[1] for line in told] == ["worker", "site"]


def test_interrupt_ends_every_process_with_status_zero(first):
    _, facts = first

    assert facts["status"] == 0
    assert facts["left"] == []


def test_the_password_is_kept_for_its_owner_and_in_no_log(first, data):
    running, _ = first

    password = running.said("researcher")[0].split()[1]
    assert password in (data / "researcher.txt").read_text()
    assert (data / "researcher.txt").stat().st_mode & 0o077 == 0
    assert [log.name for log in (data / "logs").iterdir() if password in log.read_text()] == []


def test_another_start_goes_on_and_prints_no_password(first, data):
    before, _ = first

    with launched(data, before.port) as running:
        words = [line.split(": ")[0] for line in running.lines if re.match(r"[a-z]+: ", line)]
        annotate = running.said("annotate")

    assert words == ["dashboard", "annotate", "data"]
    assert annotate == before.said("annotate")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_outlives_the_launcher(first, data, number):
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("the kernel's promise is Linux's")

    with launched(data) as running:
        # The site and its two servers, the worker and its pool.
        wait_for(lambda: len(running.family()) >= 5)
        family = running.family()
        status = running.end(number)
        wait_for(lambda: all(gone(process) for process in family))

    assert status == (-9 if number == signal.SIGKILL else 0)


def test_too_little_disk_is_one_line_and_status_one(tmp_path):
    status, said = refused(tmp_path, free_port(), EVENHAND_MIN_FREE_MB="999999999")

    assert status == 1
    assert re.fullmatch(r"Too little disk in .*: 999999999 MB are needed and \d+ MB are free\. .*\n", said)


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("DATABASE_URL", "mysql://db/x"), ("EVENHAND_ROWS", "1")]
)
def test_a_bad_variable_is_one_line_and_status_one(tmp_path, name, value):
    status, said = refused(tmp_path, free_port(), **{name: value})

    assert status == 1
    assert name in said
    assert said.count("\n") == 1


def test_a_database_that_cannot_be_reached_is_one_line_and_status_one(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        status, said = refused(tmp_path, free_port(), DATABASE_URL=f"postgresql://x@127.0.0.1:{port}/x")

    assert status == 1
    assert said.startswith("Setting up failed at migrate: ")
    assert said.count("\n") == 1
