"""Seconds of processor that a process and those it started have used, from `/proc`.

Unlike seconds by the clock they hardly change when the machine has other work, so they can be compared.
"""

import os
import resource
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_seconds(root: int) -> float:
    """Return what ``root`` and its children have used, those that ended included; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{root}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(map(int, fields[11:15])) / _TICKS  # user, system, and both of children that ended
    return own + sum(tree_seconds(int(child)) for child in children)


def own_seconds() -> float:
    """Return what this process has used without those it started: a benchmark's clients."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def postgres_pid(database_url: str) -> int:
    """Return the process of the PostgreSQL whose socket lies in its own data folder."""
    folder = parse_qs(urlsplit(database_url).query)["host"][0]
    return int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])


class Meter:
    """What each part of a benchmark has used since the meter was made."""

    def __init__(self, parts: dict[str, Callable[[], float]]) -> None:
        """Begin to measure the named parts."""
        self._parts = parts
        self._began = {name: read() for name, read in parts.items()}

    def used(self) -> dict[str, float]:
        """Return the seconds of each part."""
        return {name: read() - self._began[name] for name, read in self._parts.items()}

    def per(self, cycles: int) -> str:
        """Return a line with the milliseconds of each part for one cycle, and of all."""
        used = self.used()
        each = ", ".join(f"{name} {seconds / cycles * 1e3:.1f}" for name, seconds in used.items())
        return f"{sum(used.values()) / cycles * 1e3:.1f} ms of processor a cycle ({each})"
