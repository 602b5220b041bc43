"""Commands on a database that is not as they need it."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from config import commands
from studies.management.commands.study import Command
from tests.site_kit import ROOT


def test_a_database_without_tables_is_one_line(tmp_path) -> None:
    environment = os.environ | {"EVENHAND_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(
        [sys.executable, "manage.py", "study", "list"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("CommandError: The database lacks ")
    assert "manage.py migrate" in line


@pytest.mark.django_db
def test_what_else_a_database_refuses_is_not_hidden(monkeypatch) -> None:
    monkeypatch.setattr(Command, "handle", lambda *_, **__: (_ for _ in ()).throw(DatabaseError("odd")))

    with pytest.raises(DatabaseError, match="odd"):
        call_command("study", "list")


@pytest.mark.django_db
def test_a_database_that_is_away_is_one_line(monkeypatch) -> None:
    def away() -> int:
        raise OperationalError("connection refused\n\tIs the server running?")

    monkeypatch.setattr(Command, "handle", lambda *_, **__: away())
    monkeypatch.setattr(commands, "_unapplied", away)

    with pytest.raises(CommandError, match="cannot be used: connection refused Is the server running"):
        call_command("study", "list")
