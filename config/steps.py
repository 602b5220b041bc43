"""Management commands that the launcher runs on its way up."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Self

from config.preflight import BASE_DIR, CannotStartError, Place
from config.supervisor import TICK_SECONDS, Program, Stop, spawn


class StoppedError(Exception):
    """Somebody asked for the end before everything was up."""


class Step:
    """A management command on the way up. What it prints goes to no log: bootstrap prints a password."""

    def __init__(self, command: tuple[str, ...], place: Place, environment: dict[str, str]) -> None:
        self._log = place.logs / "setup.log"
        self._program = Program(command[0], (sys.executable, "manage.py", *command), self._log)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._process = spawn(self._program, environment, BASE_DIR, output=self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._file.close()

    def wait(self, stop: Stop, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds, or somebody asks for the end."""
        while not condition():
            if stop.asked:
                raise StoppedError
            time.sleep(TICK_SECONDS / 4)

    def ended(self) -> bool:
        """Whether the command has ended, well or not."""
        return self._process.poll() is not None

    def told(self) -> dict[str, str]:
        """Return the machine lines, `word: rest`, that were printed so far."""
        whole = self._output().rpartition("\n")[0]
        return dict(line.split(": ", 1) for line in whole.splitlines() if ": " in line)

    def check(self) -> None:
        """Raise if the command has failed, with its last line."""
        if self._process.poll():
            output = self._output()
            kept = [line for line in output.splitlines() if not line.startswith("researcher: ")]
            self._log.write_text("\n".join(kept))
            last = (output.strip() or "it said nothing").splitlines()[-1]
            message = f"Setting up failed at {self._program.name}: {last} (the rest is in {self._log})"
            raise CannotStartError(message)

    def _output(self) -> str:
        size = os.fstat(self._file.fileno()).st_size
        return os.pread(self._file.fileno(), size, 0).decode(errors="replace")
