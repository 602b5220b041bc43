"""Every number that a report prints has an entry in docs/statistics.md."""

import json
import re
from pathlib import Path

import pytest

from studies.reports.render import render
from tests.studies.reports.kit import exclude, judged_study

# Below these names come a study's own words, not ours.
OWN_WORDS = {"criteria", "families", "provenance"}


def names(data, parent=""):
    if isinstance(data, list):
        return {name for value in data for name in names(value)}
    if not isinstance(data, dict):
        return set()
    own = set() if parent in OWN_WORDS else set(data)
    return own.union(*(names(value, "" if parent in OWN_WORDS else key) for key, value in data.items()))


@pytest.mark.django_db
def test_every_field_of_the_report_is_documented():
    study = judged_study()
    exclude(study)
    text = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")
    entries = {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }

    fields = names(json.loads(render(study, "json")))

    assert {"win_rate", "two_way", "data_sha256", "median_seconds"} <= fields
    assert sorted(fields - entries) == []
    assert sorted(entries - fields) == []
