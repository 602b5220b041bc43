"""A real Celery worker, killed while it makes a report: the next one finishes it, whole and once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services_kit
from tests.generation import worker_site
from tests.generation.worker_site import Site
from tests.tables_kit import make_tables

pytestmark = [pytest.mark.services, pytest.mark.timeout(280)]

SEED = """
from tests.studies.reports.kit import judged_study
judged_study(annotators=6, comparisons=6, slug="killed")
"""
WATCH = """
from studies.models import Report
for line in sys.stdin:
    report = Report.objects.get()
    columns = ("state", "claimed_by", "attempts", "number", "progress")
    found = {name: getattr(report, name) for name in columns}
    print(json.dumps(found | {"files": report.files.count()}), flush=True)
"""
CHECK = """
from django.db import DatabaseError, transaction
from studies.models import Report
from studies.reports.making import differing
report = Report.objects.get()
refused = []
for name, attempt in (
    ("change", lambda: Report.objects.update(judgments=0)),
    ("delete", lambda: Report.objects.all()._raw_delete("default")),
    ("file", lambda: report.files.update(packed=b"")),
    ("add", lambda: report.files.create(name="more", sha256="a" * 64, size=0, packed=b"")),
):
    try:
        with transaction.atomic():
            attempt()
    except DatabaseError:
        refused.append(name)
print(json.dumps({"differing": differing(report), "refused": refused}))
"""


@pytest.fixture
def site(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[Site]:
    with services_kit.database(postgres_url) as database:
        environment = worker_site.environment(tmp_path, DATABASE_URL=database, REDIS_URL=redis_url)
        made = Site(tmp_path, environment, lambda: worker_site.flush(redis_url))
        make_tables(environment)
        assert made.python(SEED).wait(worker_site.PATIENCE) == 0
        yield made


def test_a_report_survives_the_death_of_its_worker(site: Site) -> None:
    with site.watched(WATCH) as look:
        with site.worker():
            site.wait(lambda: look()["claimed_by"] != "")
        killed = look()
        site.lose_messages()
        with site.worker():
            site.wait(lambda: look()["state"] == "done")
        made = look()
    with site.python(CHECK, stdout=-1) as check:
        found = json.loads(check.communicate(timeout=worker_site.PATIENCE)[0])

    # It died with the report in its hands, or the test would show nothing.
    assert (killed["state"], killed["files"]) == ("running", 0)
    assert (made["number"], made["attempts"]) == (1, 2)
    assert found == {"differing": [], "refused": ["change", "delete", "file", "add"]}
