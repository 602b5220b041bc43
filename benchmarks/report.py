"""Time and memory of a whole report, from the database to every file, in a process of its own.

Run from the repository root::

    python -m benchmarks.report                # 1,000,000 judgments on SQLite, a few minutes with the seeding
    python -m benchmarks.report --n 100000
    python -m benchmarks.report --check        # and fail above 60 s or 1 GB

The judgments are simulated straight into the tables: 1,000 prompts, as many annotators as are needed,
effects of both, a tenth of ties. The whole report is `manage.py study report`, which stores every format;
the numbers are `manage.py analyze` on the judgments file.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROMPTS = 1_000
SECONDS, MEGABYTES = 60.0, 1024.0
"""What the whole report may take at a million judgments, on one core."""
NUMBERS = 3.0
"""Seconds that the numbers may take."""
SEED = "from benchmarks.report import seed; seed({n})"
_ASSIGNMENTS = """
INSERT INTO studies_assignment (key, study_id, comparison_id, ordinal, candidate_slot,
    sort_key, annotator_id, leased_at, lease_expires_at, submitted_at)
SELECT {key}, c.study_id, c.id, a.id + 1, substr('AB', CAST(1 + (a.id + c.id) % 2 AS integer), 1),
    c.id, a.id, a.created_at, a.created_at, a.created_at
FROM studies_comparison c CROSS JOIN studies_annotator a
"""
# A hash of both names spreads leanings of annotators and prompts; no random function can be seeded here.
_JUDGMENTS = """
INSERT INTO studies_judgment (assignment_id, criterion_id, choice, reason, ticked, active_ms, key,
    submitted_at)
SELECT s.id, k.id,
    CASE WHEN (s.id * 7919) % 10 = 0 THEN 'tie'
         WHEN (s.id * 104729 + s.annotator_id * 31 + s.comparison_id * 17) % 100
              < 50 + s.annotator_id % 20 + s.comparison_id % 10 THEN s.candidate_slot
         WHEN s.candidate_slot = 'A' THEN 'B' ELSE 'A' END,
    '', '[]', 2000 + (s.id * 37) % 60000, {key}, {moment}
FROM studies_assignment s JOIN studies_criterion k ON k.study_id = s.study_id
"""
_WORDS = {
    "sqlite": {
        "key": "lower(hex(randomblob(16)))",
        "moment": "strftime('%Y-%m-%d %H:%M:%S', '2026-01-01', '+' || (s.id / 8) || ' seconds')"
        " || '.' || (100000 + s.id % 800000)",
    },
    "postgresql": {
        "key": "gen_random_uuid()",
        "moment": "timestamp '2026-01-01' + make_interval(secs => s.id / 8.0)",
    },
}
"""What the databases say differently."""


def seed(judgments: int) -> None:
    """Make a closed study called `million` with so many judgments. Django is set up by then."""
    from django.db import connection  # noqa: PLC0415 - only inside manage.py
    from django.utils import timezone  # noqa: PLC0415

    from studies.domain import lifecycle  # noqa: PLC0415
    from studies.models import Annotator, Study, triggers  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    study = factories.open_study(slug="million", comparisons=PROMPTS, overlap=1)
    study.assignments.all().delete()
    now = timezone.now()
    Annotator.objects.bulk_create(
        Annotator(
            study=study, pseudonym=f"annotator-{number:05}", code="x", consented_at=now, consent_hash="x"
        )
        for number in range(1, judgments // PROMPTS + 1)
    )
    triggers.remove()  # the plan has one judgment per comparison, and its rows are of another plan
    with connection.cursor() as cursor:
        for statement in (_ASSIGNMENTS, _JUDGMENTS):
            cursor.execute(statement.format(**_WORDS[connection.vendor]))
    Study.objects.filter(pk=study.pk).update(overlap=judgments // PROMPTS)
    triggers.install()
    lifecycle.close_study(study=Study.objects.get(pk=study.pk), actor="benchmark")


def measured(*arguments: str, folder: str) -> tuple[float, float, float]:
    """Run a command of manage.py; return wall and processor seconds, and its peak memory in MB."""
    code = (
        "import resource, sys, runpy; sys.argv = ['manage.py', *sys.argv[1:]]\n"
        "try: runpy.run_path('manage.py', run_name='__main__')\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)\n"
    )
    environment = os.environ | {"EVENHAND_DATA": folder, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent, float(done.stderr.splitlines()[-1])


def main() -> int:
    """Print a row per part; with ``--check``, fail when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000, help="judgments, a multiple of 1,000")
    parser.add_argument("--check", action="store_true", help="fail above the targets of a million judgments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evenhand-report-") as folder:
        measured("migrate", "--verbosity", "0", folder=folder)
        measured("shell", "--no-imports", "-c", SEED.format(n=options.n), folder=folder)
        out, judgments = Path(folder, "report.html"), Path(folder, "judgments.csv")
        whole = measured("study", "report", "million", "--out", str(out), folder=folder)
        measured("study", "judgments", "million", "--out", str(judgments), folder=folder)
        numbers = measured("analyze", str(judgments), "--json", folder=folder)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.n:,} judgments")
    for name, (wall, spent, peak) in {"whole report": whole, "numbers (analyze)": numbers}.items():
        print(f"{name:20}{wall:8.1f} s{spent:8.1f} s of a processor{peak:8.0f} MB at most")
    missed = whole[0] > SECONDS or whole[2] > MEGABYTES or numbers[0] > NUMBERS
    return int(options.check and missed)


if __name__ == "__main__":
    sys.exit(main())
