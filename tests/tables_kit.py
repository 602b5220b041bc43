"""The tables of a new installation, made once in a process, then copied: making them takes seconds."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "evenhand.sqlite3"


def make_tables(environment: Mapping[str, str]) -> None:
    """Do what `manage.py migrate` would to the database of `DATABASE_URL`, else of `EVENHAND_DATA`."""
    url = environment.get("DATABASE_URL")
    if url and _is_empty(url):
        _copy_postgres(url, _postgres(_server(url)))
    elif not url and not (file := Path(environment["EVENHAND_DATA"]) / DATABASE).exists():
        shutil.copy(_sqlite(), file)


@functools.cache
def _sqlite() -> Path:
    folder = tempfile.mkdtemp(prefix="evenhand-tables-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _migrate({"EVENHAND_DATA": folder, "DATABASE_URL": ""})
    return Path(folder, DATABASE)


@functools.cache
def _postgres(server: str) -> str:
    """Make the tables in a database of their own on a server, and return its name."""
    name = "evenhand_tables"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with tempfile.TemporaryDirectory() as folder:
        _migrate({"EVENHAND_DATA": folder, "DATABASE_URL": _at(server, name)})
    return name


def _is_empty(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)


def _copy_postgres(url: str, template: str) -> None:
    name = sql.Identifier(urlsplit(url).path.removeprefix("/"))
    with psycopg.connect(_server(url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template)))


def _server(url: str) -> str:
    return _at(url, "postgres")


def _at(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=ROOT, env=inherited | environment, check=True)
