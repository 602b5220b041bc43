"""Starts Evenhand on one machine: checks, set-up steps, then the site and a worker until Ctrl-C.

Run as `python -m config.launch`; `make run` does. It reads no settings and sets up no Django itself,
so that the checks answer at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass

from config import env, preflight
from config.health import answers
from config.preflight import BASE_DIR, CannotStartError, Place
from config.supervisor import TICK_SECONDS, Program, Stop, Supervisor, spawn

ANSWER_SECONDS = 60.0
# Without the system checks, which would load every page each time.
BEFORE_SITE = (("migrate", "--no-input", "--skip-checks"), ("collectstatic", "--no-input", "--skip-checks"))
BESIDE_SITE = ("bootstrap", "--skip-checks")


class StoppedError(Exception):
    """Somebody asked for the end before everything was up."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What bootstrap has to tell: its machine lines, `word: rest`."""

    researcher: str = ""
    """Name and password, the first time only."""
    annotate: str = ""

    @classmethod
    def from_output(cls, output: str) -> Greeting:
        """Pick the machine lines out of what bootstrap printed."""
        lines = dict(line.split(": ", 1) for line in output.splitlines() if ": " in line)
        return cls(lines.get("researcher", ""), lines.get("annotate", ""))


def main() -> int:
    """Run until told to stop; return the exit status."""
    stop = Stop()
    stop.listen()
    os.umask(0o077)  # judgments and logs are nobody else's business
    try:
        place = Place.from_environment()
        preflight.check_python()
        preflight.check_disk(place)
        lock = preflight.take_lock(place)
        with lock:
            preflight.check_port(place)
            _run(place, stop)
    except (CannotStartError, env.BadEnvironmentError) as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - the launcher talks to a terminal
        return 1
    except StoppedError:
        pass
    return 0


def _run(place: Place, stop: Stop) -> None:
    place.logs.mkdir(mode=0o700, exist_ok=True)
    environment = _environment(place)
    for command in BEFORE_SITE:
        _step(command, place, environment, stop)
    supervisor = Supervisor(environment, BASE_DIR, _say)
    try:
        site, worker = _programs(place)
        supervisor.start(site)
        greeting = Greeting.from_output(_step(BESIDE_SITE, place, environment, stop))
        _wait_for_site(place, supervisor, stop)
        # After the site, so that the first page does not compete with the worker's start.
        supervisor.start(worker)
        _greet(place, greeting)
        while not stop.asked:
            supervisor.tend()
            time.sleep(TICK_SECONDS)
        _say("Stopping.")
    finally:
        supervisor.stop()


def _say(line: str) -> None:
    # A terminal that is gone is no reason to stop the site in disorder: its signal does that.
    with contextlib.suppress(OSError):
        print(line, flush=True)  # noqa: T201 - the launcher talks to a terminal


def _environment(place: Place) -> dict[str, str]:
    """Hand every program the same place, whatever folder it runs in."""
    return {
        **os.environ,
        "EVENHAND_DATA": str(place.data),
        "EVENHAND_URL": place.url,
        "PORT": str(place.port),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _step(command: tuple[str, ...], place: Place, environment: dict[str, str], stop: Stop) -> str:
    """Run one management command to its end and return what it printed."""
    program = Program(command[0], (sys.executable, "manage.py", *command), place.logs / "setup.log")
    # Not into the log at once: bootstrap prints a password.
    with tempfile.TemporaryFile() as file:
        process = spawn(program, environment, BASE_DIR, output=file.fileno())
        while process.poll() is None:
            if stop.asked:
                process.terminate()
                process.wait()
                raise StoppedError
            time.sleep(TICK_SECONDS / 4)
        file.seek(0)
        output = file.read().decode(errors="replace")
    if process.returncode:
        program.log.write_text(output)
        last = (output.strip() or "it said nothing").splitlines()[-1]
        message = f"Setting up failed at {program.name}: {last} (the rest is in {program.log})"
        raise CannotStartError(message)
    return output


def _programs(place: Place) -> tuple[Program, Program]:
    site = (sys.executable, "-m", "gunicorn", "--config", "python:config.server", "config.wsgi")
    worker = (
        *(sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", "--pool", "prefork"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    return (
        Program("site", site, place.logs / "web.log"),
        Program("worker", worker, place.logs / "worker.log", niceness=5),
    )


def _wait_for_site(place: Place, supervisor: Supervisor, stop: Stop) -> None:
    log = place.logs / "web.log"
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers(place):
        if stop.asked:
            raise StoppedError
        if supervisor.dead():
            message = f"The site could not start: see {log}"
            raise CannotStartError(message)
        if time.monotonic() > deadline:
            message = f"The site does not answer at {place.bind}: see {log}"
            raise CannotStartError(message)
        time.sleep(TICK_SECONDS)


def _greet(place: Place, greeting: Greeting) -> None:
    _say(f"dashboard: {place.url}/")
    if greeting.researcher:
        _say(f"researcher: {greeting.researcher}")
    if greeting.annotate:
        _say(f"annotate: {greeting.annotate}")
    _say(f"data: {place.data}")
    begun = "A worker begins to write the example study's completions"
    waits = "A worker writes whatever completions are asked for"
    _say(f"{begun if greeting.researcher else waits}; the dashboard shows how far it is.")
    _say("Ctrl-C stops everything; the same command goes on where it was.")


if __name__ == "__main__":
    sys.exit(main())
