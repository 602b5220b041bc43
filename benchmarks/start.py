"""How long `make run` takes to the first screen, once everything is installed.

    .venv/bin/python benchmarks/start.py [STARTS]

Each start is the first one of a new data folder: migrations, static files, the first researcher, the
preset studies, the site and the worker. Printed for each: seconds until the addresses are printed and
the site answers, and, for comparison in the same run, seconds that one bare `manage.py check` takes.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAST_LINE = "data: "


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_screen(data: str) -> float:
    """Start Evenhand on an empty folder and return the seconds until it answers."""
    port = free_port()
    environment = {**os.environ, "EVENHAND_DATA": data, "PORT": str(port)}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "config.launch"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith(LAST_LINE):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=20).close()
                return time.monotonic() - began
    finally:
        process.terminate()
        process.wait(timeout=60)
    message = "the launcher ended before it printed its addresses"
    raise RuntimeError(message)


def bare_command(data: str) -> float:
    """Return the seconds that the smallest management command takes: the machine's own speed."""
    began = time.monotonic()
    command = [sys.executable, "manage.py", "check"]
    environment = {**os.environ, "EVENHAND_DATA": data}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    screens, commands = [], []
    for number in range(starts):
        with tempfile.TemporaryDirectory(prefix="evenhand-start-", ignore_cleanup_errors=True) as data:
            commands.append(bare_command(data))
            screens.append(first_screen(data))
            print(f"start {number + 1}: {screens[-1]:.1f} s  (manage.py check: {commands[-1]:.1f} s)")
    screen, command = statistics.median(screens), statistics.median(commands)
    print(f"median: {screen:.1f} s to the first screen, {screen / command:.1f} times a bare command")


if __name__ == "__main__":
    main()
