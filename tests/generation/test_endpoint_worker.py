"""A real worker, a real server, a study file: what is written, what is not, and where the key is found."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.endpoint_server import Script, answer, refuse, serving

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240
KEY, OTHER_KEY = "sk-canary-5f1d0c7e", "sk-second-canary-11aa"
STUDY = """\
evenhand: 1
study: sea
title: Which text is better?
instructions: Read both.
consent: You may stop.
criteria:
  - {{name: overall, question: Which is better?, primary: true}}
arms:
  - name: good
    baseline: true
    endpoint: {{base_url: "{url}", model: good}}
  - name: locked
    endpoint: {{base_url: "{url}", model: locked, key_env: EVENHAND_ENDPOINT_KEY_OTHER}}
prompts:
  - {{id: ocean, user: Tell me about the ocean.}}
  - {{id: bread, user: How is bread made?}}
  - {{id: story, text: Once upon a time}}
"""
SEED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("study", "import", sys.argv[1])
call_command("study", "generate", "sea")
"""


def quoting(handler, call) -> None:
    """Refuse, repeating the key, as some servers do."""
    refuse(401, f"Incorrect key: {call.headers['Authorization']}")(handler, call)


def outcome(data: Path) -> dict[tuple[str, str], int]:
    with sqlite3.connect(data / "evenhand.sqlite3") as database:
        rows = database.execute(
            "SELECT json_extract(c.endpoint, '$.model'), t.status, COUNT(*) FROM generation_completion t "
            "JOIN generation_checkpoint c ON c.id = t.checkpoint_id GROUP BY 1, 2"
        ).fetchall()
    database.close()
    return {(model, status): count for model, status, count in rows}


def reasons(data: Path) -> dict[str, str]:
    with sqlite3.connect(data / "evenhand.sqlite3") as database:
        rows = database.execute("SELECT json_extract(endpoint, '$.model'), error FROM generation_checkpoint")
        found = dict(rows.fetchall())
    database.close()
    return found


def wait(reached, log: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < ends, log.read_text()[-4000:]
        time.sleep(0.1)


def by_model(server: Script) -> None:
    good = answer()
    server.default = lambda handler, call: (quoting if call.body["model"] == "locked" else good)(
        handler, call
    )
    server.behaviours = [refuse(500, f"try again, {KEY}"), refuse(429, Retry_After="1")]


def test_worker_calls_servers_and_keeps_their_keys_to_itself(tmp_path: Path) -> None:
    data, log, file = tmp_path / "data", tmp_path / "worker.log", tmp_path / "sea.yaml"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")},
        "EVENHAND_DATA": str(data),
        "EVENHAND_SWEEP": "1",
        "EVENHAND_LOG_LEVEL": "DEBUG",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    keys = {"EVENHAND_ENDPOINT_KEY": KEY, "EVENHAND_ENDPOINT_KEY_OTHER": OTHER_KEY}
    with serving() as server, log.open("wb") as out:
        by_model(server)
        file.write_text(STUDY.format(url=server.url))
        subprocess.run([sys.executable, "-c", SEED, file], cwd=ROOT, env=environment, check=True)
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "DEBUG"],
            cwd=ROOT,
            env=environment | keys,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            wait(lambda: outcome(data).get(("good", "done")) == 3 and reasons(data)["locked"], log)
        finally:
            worker.terminate()
            try:
                worker.wait(PATIENCE / 4)
            finally:
                if worker.poll() is None:
                    os.killpg(worker.pid, signal.SIGKILL)

    assert outcome(data) == {("good", "done"): 3, ("locked", "pending"): 3}
    assert "does not accept the key in EVENHAND_ENDPOINT_KEY_OTHER" in reasons(data)["locked"]
    assert "Incorrect key: Bearer [key]" in reasons(data)["locked"]
    # They were sent, so they could have leaked.
    sent = {call.headers["Authorization"] for call in server.calls}
    assert sent == {f"Bearer {KEY}", f"Bearer {OTHER_KEY}"}
    kept = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert data / "evenhand.sqlite3" in kept
    everything = b"".join(kept.values()) + log.read_bytes()
    assert [key for key in (KEY, OTHER_KEY) if key.encode() in everything] == []
