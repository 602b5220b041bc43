"""What serving one comparison costs as a study grows: queries, work, milliseconds, and the database's plan.

    .venv/bin/python benchmarks/annotation_growth.py served|embedded [SIZES, such as 100,1000,10000,100000]

A study of each size is opened on a PostgreSQL, or a SQLite file, of its own. An annotator who has met 30
comparisons claims further ones in a study that others have filled to one third, with expired leases in
it. Printed: queries of a claim; its work, which other programs on the machine do not change (PostgreSQL:
blocks of 8 KiB touched; SQLite: steps of its virtual machine); median milliseconds of a claim and of the
progress beside it; and for the largest size the plans of the claim's queries.
"""

import os
import re
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
CLAIMS, MET = 40, 30

from tests import services_kit  # noqa: E402 - found by the line above


def grown(size: int) -> Any:
    """Open a study of ``size`` comparisons; the completions are copies under other replicates."""
    from django.db import connection  # noqa: PLC0415 - Django has to be set up first

    from studies.domain import lifecycle  # noqa: PLC0415 - as above
    from tests import factories  # noqa: PLC0415 - as above

    study = factories.ready_study(prompts=10, overlap=3, quota=MET + CLAIMS + 1, slug=f"grown-{size}")
    with connection.cursor() as cursor:
        for table, changed in (
            ("generation_completion", {"replicate": "g"}),
            ("studies_comparison", {"candidate_id": "a.id", "baseline_id": "b.id"}),
        ):
            described = connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in described if column.name != "id"]
            values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            source = (
                "generation_completion t, copies WHERE t.batch_key = %s"
                if table == "generation_completion"
                else "studies_comparison t JOIN generation_completion c ON c.id = t.candidate_id "
                "JOIN generation_completion d ON d.id = t.baseline_id "
                "JOIN generation_completion a ON a.prompt_key = c.prompt_key AND a.arm_key = c.arm_key "
                "AND a.replicate > 0 JOIN generation_completion b ON b.prompt_key = d.prompt_key "
                "AND b.arm_key = d.arm_key AND b.replicate = a.replicate WHERE c.batch_key = %s"
            )
            copies = (
                "WITH RECURSIVE copies(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM copies "  # noqa: S608
                f"WHERE g < {size // 10 - 1})"
            )
            key = study.key if connection.vendor == "postgresql" else study.key.hex
            cursor.execute(f"INSERT INTO {table} ({names}) {copies} SELECT {values} FROM {source}", [key])  # noqa: S608
    type(study).objects.filter(pk=study.pk).update(replicates=size // 10)
    return lifecycle.open_study(study=study, actor="benchmark")


def filled(study: Any, now: Any) -> None:
    """Fill the first row of most comparisons, and let a hundred leases run out."""
    from studies.models import Annotator, Assignment  # noqa: PLC0415 - Django has to be set up first

    others = Annotator.objects.bulk_create(
        Annotator(study=study, pseudonym=f"other-{n}", token=uuid.uuid4().hex, code="C") for n in range(101)
    )
    first = Assignment.objects.filter(study=study, ordinal=1)
    first.filter(comparison__id__gt=first.order_by("comparison")[9].comparison_id).update(
        annotator=others[-1], leased_at=now, lease_expires_at=now, submitted_at=now
    )
    second = list(Assignment.objects.filter(study=study, ordinal=2).order_by("pk")[10:110])
    for row, other in zip(second, others, strict=False):
        Assignment.objects.filter(pk=row.pk).update(
            annotator=other, leased_at=now - timedelta(hours=2), lease_expires_at=now - timedelta(hours=1)
        )


def answered(row: Any, now: Any) -> None:
    """Mark a row as answered: only the claim is measured here."""
    type(row).objects.filter(pk=row.pk).update(submitted_at=now)


def measure(size: int) -> None:
    """Print what a claim costs in a study of ``size`` comparisons."""
    from django.db import connection, transaction  # noqa: PLC0415 - Django has to be set up first
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above
    from django.utils import timezone  # noqa: PLC0415 - as above

    from studies.domain.assignment import claim_next, progress  # noqa: PLC0415 - as above
    from tests.factories import AnnotatorFactory  # noqa: PLC0415 - as above

    study, now = grown(size), timezone.now()
    filled(study, now)
    with connection.cursor() as cursor:
        # What autovacuum does while a study fills, which here was filled at once.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    annotator = AnnotatorFactory(study=study, pseudonym="measured")
    claims, tallies = [], []
    for number in range(MET + CLAIMS):
        began = time.perf_counter()
        row = claim_next(annotator=annotator, now=now)
        claimed = time.perf_counter()
        progress(annotator=annotator, now=now)
        if number >= MET:
            claims.append(claimed - began)
            tallies.append(time.perf_counter() - claimed)
        answered(row, now)
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        claim_next(annotator=annotator, now=now)
        transaction.set_rollback(True)
    work, plans = costs([query["sql"] for query in queries])
    print(
        f"{size:>7} comparisons: {len(queries)} queries, work {work}, claim "
        f"{statistics.median(claims) * 1e3:.1f} ms, progress {statistics.median(tallies) * 1e3:.1f} ms",
        flush=True,
    )
    if size == SIZES[-1]:
        print("\n\n".join(plans))


def costs(statements: list[str]) -> tuple[int, list[str]]:
    """Return the work of the claim's statements together, and the plan of each."""
    from django.db import connection, transaction  # noqa: PLC0415 - Django has to be set up first

    work, plans = 0, []
    for statement in statements:
        if not statement.startswith(("SELECT", "UPDATE")):
            continue
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + statement)
                lines = [line for (line,) in cursor.fetchall()]
                # The first line about buffers is of the whole statement.
                touched = next((line for line in lines if "Buffers: shared" in line), "")
                work += sum(map(int, re.findall(r"(?:hit|read)=(\d+)", touched)))
            else:
                steps = [0]
                connection.connection.set_progress_handler(partial(_step, steps), 1)
                cursor.execute(statement)
                cursor.fetchall()
                connection.connection.set_progress_handler(None, 0)
                work += steps[0]
                cursor.execute("EXPLAIN QUERY PLAN " + statement)
                lines = [row[-1] for row in cursor.fetchall()]
            transaction.set_rollback(True)
        plans.append("\n".join(line[:110] for line in lines))
    return work, plans


def _step(steps: list[int]) -> int:
    steps[0] += 1
    return 0


MODE = sys.argv[1] if len(sys.argv) > 1 else "served"
SIZES = [int(size) for size in (sys.argv[2] if len(sys.argv) > 2 else "100,1000,10000,100000").split(",")]


def main() -> None:
    """Measure each size on one server."""
    with ExitStack() as stack:
        os.environ["EVENHAND_DATA"] = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="evenhand-growth-")
        )
        if MODE == "served":
            server = stack.enter_context(services_kit.postgres())
            os.environ["DATABASE_URL"] = stack.enter_context(services_kit.database(server))
        import django  # noqa: PLC0415 - the environment had to be set first
        from django.core.management import call_command  # noqa: PLC0415 - as above

        django.setup()
        call_command("migrate", verbosity=0)
        for size in SIZES:
            measure(size)


if __name__ == "__main__":
    main()
