"""Starts Evenhand on one machine: checks, set-up steps, then the site and a worker until Ctrl-C.

Run as `python -m config.launch`; `make run` does. It reads no settings and sets up no Django itself,
so that the checks answer at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

from config import env, preflight
from config.health import answers
from config.preflight import BASE_DIR, CannotStartError, Place
from config.steps import Step, StoppedError
from config.supervisor import TICK_SECONDS, Program, Stop, Supervisor

ANSWER_SECONDS = 60.0
# Without the system checks, which would load every page each time.
BEFORE_SITE = (("migrate", "--no-input", "--skip-checks"), ("collectstatic", "--no-input", "--skip-checks"))
BESIDE_SITE = ("bootstrap", "--skip-checks")
SITE = "-m gunicorn --config python:config.server config.wsgi"
WORKER = (
    "-m celery -A config worker --loglevel INFO --pool prefork "
    "--without-gossip --without-mingle --without-heartbeat"
)


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
        with Step(command, place, environment) as step:
            step.wait(stop, step.ended)
            step.check()
    supervisor = Supervisor(environment, BASE_DIR, _say)
    try:
        site, worker = _programs(place)
        supervisor.start(site)
        with Step(BESIDE_SITE, place, environment) as step:
            step.wait(stop, lambda: step.ended() or "annotate" in step.told())
            step.check()
            _wait_for_site(place, supervisor, stop)
            # After the site, so that the first page does not compete with the worker's start.
            supervisor.start(worker)
            _greet(place, step.told())
            _keep(supervisor, step, stop)
    finally:
        supervisor.stop()


def _keep(supervisor: Supervisor, step: Step, stop: Stop) -> None:
    """Tend the programs until somebody asks for the end; say it if the last step failed meanwhile."""
    going_on = True
    while not stop.asked:
        supervisor.tend()
        if going_on and step.ended():
            going_on = False
            try:
                step.check()
            except CannotStartError as problem:
                _say(str(problem))
        time.sleep(TICK_SECONDS)
    _say("Stopping.")


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


def _programs(place: Place) -> tuple[Program, Program]:
    return (
        Program("site", (sys.executable, *SITE.split()), place.logs / "web.log"),
        Program("worker", (sys.executable, *WORKER.split()), place.logs / "worker.log", niceness=5),
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


def _greet(place: Place, told: dict[str, str]) -> None:
    # For commands in another terminal, which print links and need not be told the port.
    (place.data / "address").write_text(f"{place.url}\n")
    _say(f"dashboard: {place.url}/")
    for word in ("researcher", "annotate"):
        if word in told:
            _say(f"{word}: {told[word]}")
    _say(f"data: {place.data}")
    begun = "A worker begins to write the example study's completions"
    waits = "A worker writes whatever completions are asked for"
    _say(f"{begun if 'researcher' in told else waits}; the dashboard shows how far it is.")
    _say("Ctrl-C stops everything; the same command goes on where it was.")


if __name__ == "__main__":
    sys.exit(main())
