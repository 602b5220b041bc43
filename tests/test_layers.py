"""What a start loads, beyond what the import contracts can see: imports inside functions count too."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from config.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
import generation.tasks
"""


def loaded(code, tmp_path):
    """Return the top-level packages that a fresh Python has loaded after ``code``."""
    show = "\nimport json, sys\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + show],
        cwd=ROOT,
        env={"EVENHAND_DATA": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_site_with_all_its_pages_loads_no_engine(tmp_path):
    found = loaded(SITE, tmp_path)

    assert {"django", "studies"} <= found
    assert found & {"torch", "transformers"} == set()


def test_the_analysis_loads_no_django(tmp_path):
    found = loaded("import studies.analysis.summary", tmp_path)

    assert "numpy" in found
    assert "django" not in found


def test_the_launcher_checks_before_settings_and_applications_are_loaded(tmp_path):
    found = loaded("import config.launch", tmp_path)

    assert "config" in found
    assert found & {"csp", "dj_database_url", "generation", "studies"} == set()


def test_the_spec_needs_the_standard_library_only(tmp_path):
    found = loaded("import generation.spec", tmp_path)

    assert found - set(sys.stdlib_module_names) - {"generation", "__main__", "_distutils_hack"} == set()
