"""Triggers go before migrations and come back after them, so that an installation can be upgraded."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from studies.models import triggers

ROOT = Path(__file__).resolve().parents[3]
ALL = {trigger.name for trigger in triggers.TRIGGERS}


@pytest.mark.django_db
def test_migrated_database_has_every_trigger():
    assert triggers.missing() == []


@pytest.mark.django_db
def test_removing_then_installing_gives_them_all_back():
    triggers.remove()
    assert set(triggers.missing()) == ALL

    triggers.install()

    assert triggers.missing() == []


@pytest.mark.services
def test_installation_of_the_first_schema_is_upgraded(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"EVENHAND_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    for target in (("studies", "0001"), ()):
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", *target]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    with sqlite3.connect(tmp_path / "evenhand.sqlite3") as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert {name for (name,) in found} == ALL
