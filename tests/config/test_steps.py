"""Set-up steps: what they tell, how they fail, and that no log learns a password."""

import os

import pytest

from config import steps
from config.preflight import CannotStartError, Place
from config.steps import Step, StoppedError
from config.supervisor import Stop

FAILS = """
print("researcher: ada s3cret-password", flush=True)
print("annotate: http://127.0.0.1:8000/s/abc/", flush=True)
raise SystemExit("CommandError: the disk is full")
"""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    """A folder whose `manage.py` is the test's own."""
    monkeypatch.setattr(steps, "BASE_DIR", tmp_path)
    (tmp_path / "logs").mkdir()
    return Place(tmp_path, "127.0.0.1", 8000, "http://127.0.0.1:8000")


def step(place, code):
    (place.data / "manage.py").write_text(code)
    return Step(("bootstrap",), place, dict(os.environ))


def test_a_step_tells_its_machine_lines(place):
    with step(place, "print('annotate: http://here/s/abc/')") as running:
        running.wait(Stop(), running.ended)

        assert running.told() == {"annotate": "http://here/s/abc/"}
        assert running.check() is None


def test_a_line_that_is_not_whole_is_not_told_yet(place):
    code = "import time; print('annotate: http://he', end='', flush=True); time.sleep(60)"
    with step(place, code) as running:
        running.wait(Stop(), lambda: running._output() != "")

        assert running.told() == {}


def test_a_failed_step_is_one_line_and_its_log_has_no_password(place):
    with step(place, FAILS) as running:
        running.wait(Stop(), running.ended)
        with pytest.raises(CannotStartError) as failed:
            running.check()

    log = place.logs / "setup.log"
    assert str(failed.value) == (
        f"Setting up failed at bootstrap: CommandError: the disk is full (the rest is in {log})"
    )
    assert log.read_text().splitlines() == [
        "annotate: http://127.0.0.1:8000/s/abc/",
        "CommandError: the disk is full",
    ]


def test_a_step_ends_with_the_launcher(place):
    stop = Stop()
    stop.asked = True
    with (
        pytest.raises(StoppedError),
        step(place, "import time; time.sleep(60)") as running,
    ):
        running.wait(stop, running.ended)

    assert running.ended()
