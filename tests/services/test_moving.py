"""Studies move between installations, and from SQLite to PostgreSQL and back, without losing a byte."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests import services_kit
from tests.site_kit import ROOT

pytestmark = pytest.mark.services
SEED = "from tests.studies.exports.test_carry import rich; print('slug:', rich().slug)"


class Installation:
    """A folder of data, and PostgreSQL where a URL is given."""

    def __init__(self, folder, url=""):
        self.environment = os.environ | {"EVENHAND_DATA": str(folder), "DATABASE_URL": url}
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.manage("migrate", "--verbosity", "0")

    def manage(self, *arguments):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.mark.timeout(300)
def test_a_study_outgrows_one_machine_and_comes_back_the_same_bytes(postgres_url, tmp_path):
    with ExitStack() as stack:
        url = stack.enter_context(services_kit.database(postgres_url))
        small, served = Installation(tmp_path / "small"), Installation(tmp_path / "served", url)
        again = Installation(tmp_path / "again")
        slug = small.manage("shell", "--no-imports", "-c", SEED).split("slug:")[1].strip()
        files = []

        for number, place in enumerate((small, served, again)):
            if files:
                place.manage("study", "import-all", str(files[-1]))
            files.append(tmp_path / f"{number}.zip")
            place.manage("study", "export-all", slug, "--out", str(files[-1]), "--personal")

        told = served.manage("study", "check", slug)

    assert files[1].read_bytes() == files[0].read_bytes()
    assert files[2].read_bytes() == files[0].read_bytes()
    assert slug in told
