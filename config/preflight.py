"""What must be true before anything starts: each failure is one line that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names, nothing is bound here


class CannotStartError(Exception):
    """Evenhand cannot start; the message is for the person who tried."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one installation lives: its folder and its address."""

    data: Path
    host: str
    port: int
    url: str
    """How browsers reach the site; behind a proxy it has neither this host nor this port."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables that settings reads too, with the same defaults."""
        host = env.text("HOST", "127.0.0.1").strip("[]")
        port = env.whole("PORT", 8000, least=1, most=65535)
        near = bracketed(EVERYWHERE.get(host, host))
        url = env.text("EVENHAND_URL", f"http://{near}:{port}").rstrip("/")
        return cls(env.folder("EVENHAND_DATA", BASE_DIR / "var"), host, port, url)

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.data / "logs"

    @property
    def bind(self) -> str:
        """The address that the site listens on."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def public_host(self) -> str:
        """The Host header that the site admits."""
        return urlsplit(self.url).netloc


def bracketed(host: str) -> str:
    """Write a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def check_python() -> None:
    """Refuse a Python that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        message = f"Evenhand needs Python {wanted} or newer; this is {sys.version.split()[0]}."
        raise CannotStartError(message)


def check_disk(place: Place) -> None:
    """Refuse to fill a disk: checkpoints and completions need room."""
    needed = env.whole("EVENHAND_MIN_FREE_MB", 1000)
    free = shutil.disk_usage(place.data).free // 2**20
    if free < needed:
        message = (
            f"Too little disk in {place.data}: {needed} MB are needed and {free} MB are free. "
            "Make room, or name another folder: EVENHAND_DATA=/path make run"
        )
        raise CannotStartError(message)


def take_lock(place: Place) -> IO[str]:
    """Take the data folder for this process; keep the file open to keep the folder."""
    lock = (place.data / "launcher.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "another process"
        lock.close()
        message = (
            f"Evenhand runs already on {place.data} ({owner}): stop it first, "
            "or name another folder: EVENHAND_DATA=/path make run"
        )
        raise CannotStartError(message) from error
    lock.truncate(0)
    lock.write(f"process {os.getpid()}, {place.url}")
    lock.flush()
    return lock


def check_port(place: Place) -> None:
    """Refuse a port that somebody listens on, or an address that is not this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the site does: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        other = place.port % 65535 + 1
        message = (
            f"Port {place.port} is taken: stop what listens there, or choose another: PORT={other} make run"
            if error.errno == errno.EADDRINUSE
            else f"HOST={place.host} PORT={place.port} cannot be listened on: {error.strerror or error}"
        )
        raise CannotStartError(message) from error
