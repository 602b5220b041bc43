"""Time and memory of taking everything out, in a process of its own.

Run from the repository root::

    python -m benchmarks.exports                # 200,000 and 1,000,000 judgments on SQLite
    python -m benchmarks.exports --n 100000
    python -m benchmarks.exports --served       # on a PostgreSQL that is started for it
    python -m benchmarks.exports --check        # and fail when memory grows with the judgments

The studies are those of `benchmarks.report`. Each export is `manage.py study export-all` as a ZIP: every
table as CSV, JSON Lines and Parquet.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import SEED, measured
from tests import services_kit

GROWTH = 1.1
"""How much more memory the largest study may take than the smallest one."""


@contextmanager
def database(served: bool) -> Iterator[None]:  # noqa: FBT001 - one switch
    """Let the commands meanwhile use an empty PostgreSQL, if that is wanted."""
    if not served:
        yield
        return
    with services_kit.postgres() as url, services_kit.database(url) as fresh:
        os.environ["DATABASE_URL"] = fresh
        try:
            yield
        finally:
            del os.environ["DATABASE_URL"]


def main() -> int:
    """Print a row per size; with ``--check``, fail when memory grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[200_000, 1_000_000], help="multiples of 1,000")
    parser.add_argument("--served", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--check", action="store_true", help="fail when memory grows with the judgments")
    options = parser.parse_args()
    peaks = []
    for number in options.n:
        with tempfile.TemporaryDirectory(prefix="evenhand-exports-") as folder, database(options.served):
            measured("migrate", "--verbosity", "0", folder=folder)
            measured("shell", "--no-imports", "-c", SEED.format(n=number), folder=folder)
            out = Path(folder, "all.zip")
            wall, spent, peak = measured("study", "export-all", "million", "--out", str(out), folder=folder)
            size = out.stat().st_size / 2**20
        peaks.append(peak)
        print(
            f"{number:>10,} judgments{wall:8.1f} s{spent:8.1f} s of a processor"
            f"{peak:8.0f} MB at most{size:8.1f} MB written"
        )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return int(options.check and max(peaks) > GROWTH * min(peaks))


if __name__ == "__main__":
    raise SystemExit(main())
