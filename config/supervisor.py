"""Keeps a few programs running, and leaves none behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 60.0
TICK_SECONDS = 0.1
LARGEST_LOG = 10 * 2**20
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running."""

    name: str
    command: tuple[str, ...]
    log: Path
    niceness: int = 0
    """How much it stands back for the others."""


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)
    failures: int = 0
    due: float | None = None
    """When it is started again; None while it runs."""


class Stop:
    """Whether somebody asked for the end: Ctrl-C, a closed terminal, a polite kill."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Turn the signals that end a program into a flag, so that nothing is torn apart midway."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


class Supervisor:
    """Starts programs, starts them again when they end, and stops them all."""

    def __init__(self, environment: dict[str, str], folder: Path, say: Callable[[str], None]) -> None:
        self._environment = environment
        self._folder = folder
        self._say = say
        self._children: list[_Child] = []

    def start(self, program: Program) -> None:
        """Start ``program`` and keep it running from now on."""
        _shorten(program.log)
        self._children.append(_Child(program, self._spawn(program)))

    def dead(self) -> list[Program]:
        """Return the programs that have ended by themselves."""
        return [child.program for child in self._children if child.process.poll() is not None]

    def tend(self) -> None:
        """Start again what has ended, after a pause that doubles with every failure in a row."""
        now = time.monotonic()
        for child in self._children:
            if child.due is not None:
                self._restart_when_due(child, now)
            elif child.process.poll() is not None:
                self._plan_restart(child, now)

    def stop(self, patience: float = PATIENCE_SECONDS) -> None:
        """End every program: politely, then for certain, with all that it started."""
        for child in self._children:
            child.process.terminate()
        deadline = time.monotonic() + patience
        for child in self._children:
            _wait(child.process, deadline)
            _kill_group(child.process)
        self._children.clear()

    def _plan_restart(self, child: _Child, now: float) -> None:
        _kill_group(child.process)
        child.failures = 1 if now - child.since > STEADY_SECONDS else child.failures + 1
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (child.failures - 1))
        child.due = now + pause
        self._say(
            f"The {child.program.name} stopped ({_describe(child.process.returncode)}); "
            f"it starts again in {pause:.0f} s. Its log: {child.program.log}"
        )

    def _restart_when_due(self, child: _Child, now: float) -> None:
        if child.due is not None and now >= child.due:
            child.process = self._spawn(child.program)
            child.since, child.due = now, None

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with program.log.open("ab") as log:
            return spawn(program, self._environment, self._folder, output=log.fileno())


def spawn(
    program: Program, environment: dict[str, str], folder: Path, *, output: int
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, which does not outlive this process."""
    return subprocess.Popen(  # noqa: S603 - commands are this package's own
        program.command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_before(program.niceness),  # noqa: PLW1509 - the launcher has one thread
    )


def _describe(status: int) -> str:
    """Say how a process ended."""
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"status {status}"


def _before(niceness: int) -> Callable[[], None]:
    launcher = os.getpid()

    def prepare() -> None:
        if sys.platform == "linux":
            # If the launcher is killed outright, the kernel ends its programs.
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != launcher:
                os._exit(1)
        os.nice(niceness)

    return prepare


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End what a program left behind: its group bears the number of its first process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _shorten(log: Path) -> None:
    """Put a long log aside, so that logs never fill a disk."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
