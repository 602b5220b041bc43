"""What the database must keep, it keeps on PostgreSQL as on SQLite: the same tests, run there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services_kit

EVERY_CORE = ["--numprocesses", "logical", "--maxprocesses", "4"]
ROOT = Path(__file__).resolve().parents[2]
SUITES = [
    "tests/studies/models",
    "tests/studies/domain",
    "tests/studies/files/test_importer.py",
    "tests/generation/test_runs.py",
    "tests/generation/test_requests.py",
]


@pytest.mark.services
@pytest.mark.timeout(1000)
def test_tables_and_verbs_pass_their_tests_on_postgresql(postgres_url, tmp_path):
    with services_kit.database(postgres_url) as url:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *EVERY_CORE, *SUITES],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "failed" not in run.stdout.splitlines()[-1]
