"""Programs are kept running, and none is left behind."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from config import supervisor
from config.supervisor import Program, Supervisor

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(tmp_path, said):
    keeper = Supervisor(dict(os.environ), tmp_path, said.append)
    yield keeper
    keeper.stop(patience=0)


def program(tmp_path: Path, code: str) -> Program:
    return Program("helper", (sys.executable, "-c", code), tmp_path / "helper.log")


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)


def test_stop_ends_a_program_and_what_it_started(keeper, tmp_path):
    family = program(tmp_path, FAMILY)
    keeper.start(family)
    wait_for(lambda: family.log.read_text().strip())
    grandchild = psutil.Process(int(family.log.read_text()))

    parent = grandchild.parent()

    keeper.stop()

    wait_for(lambda: gone(grandchild))
    assert gone(parent)


def test_stop_ends_a_program_that_does_not_listen(keeper, tmp_path):
    stubborn = program(tmp_path, STUBBORN)
    keeper.start(stubborn)
    wait_for(lambda: stubborn.log.read_text() == "up\n")

    process = psutil.Process(keeper._children[0].process.pid)

    keeper.stop(patience=0.2)

    assert gone(process)


def test_a_program_that_ends_is_started_again_and_it_is_said(keeper, tmp_path, said):
    brief = program(tmp_path, "print('once', flush=True); raise SystemExit(3)")
    keeper.start(brief)
    wait_for(lambda: keeper.dead() == [brief])

    keeper.tend()
    wait_for(lambda: keeper.tend() or brief.log.read_text().count("once") == 2)

    assert said[0] == f"The helper stopped (status 3); it starts again in 1 s. Its log: {brief.log}"


def test_the_pause_doubles_with_every_failure_in_a_row(monkeypatch, keeper, tmp_path, said):
    clock = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: clock[0])
    brief = program(tmp_path, "")
    keeper.start(brief)

    for _ in range(4):
        keeper._children[0].process.wait()
        keeper.tend()
        clock[0] += 60
        keeper.tend()
        clock[0] += 1

    pauses = [line.split("again in ")[1].split(".")[0] for line in said]
    assert pauses == ["1 s", "2 s", "4 s", "8 s"]


def test_a_program_does_not_outlive_a_killed_launcher(tmp_path):
    if sys.platform != "linux":
        pytest.skip("the kernel's promise is Linux's")
    launcher = f"""
import os, time
from pathlib import Path
from config.supervisor import Program, Supervisor
keeper = Supervisor(dict(os.environ), Path({str(tmp_path)!r}), print)
keeper.start(Program("helper", ("sleep", "60"), Path({str(tmp_path / "log")!r})))
print(keeper._children[0].process.pid, flush=True)
time.sleep(60)
"""
    process = psutil.Popen([sys.executable, "-c", launcher], stdout=-1, cwd=Path(__file__).parents[2])
    helper = psutil.Process(int(process.stdout.readline()))

    process.kill()
    process.communicate()

    wait_for(lambda: gone(helper))
    assert process.returncode == -9


def test_a_long_log_is_put_aside(monkeypatch, keeper, tmp_path):
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 3)
    (tmp_path / "helper.log").write_text("old story")

    keeper.start(program(tmp_path, ""))

    assert (tmp_path / "helper.old.log").read_text() == "old story"
