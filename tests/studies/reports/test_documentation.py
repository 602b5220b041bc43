"""Every number that a report prints has an entry in docs/statistics.md."""

import json
import re
from pathlib import Path

import pytest

from generation.models import Completion
from studies.analysis.as_json import analysis_as_dict
from studies.analysis.judgments_file import read_judgments
from studies.analysis.summary import analyze
from studies.presets.paper_revisited.page import FOLDER
from studies.reports.render import render
from tests.studies.reports.kit import exclude, judged_study, planned_study

# Below these names come a study's own words, not ours.
OWN_WORDS = {"criteria", "families", "provenance"}


def names(data, parent=""):
    if isinstance(data, list):
        return {name for value in data for name in names(value)}
    if not isinstance(data, dict):
        return set()
    own = set() if parent in OWN_WORDS else set(data)
    return own.union(*(names(value, "" if parent in OWN_WORDS else key) for key, value in data.items()))


def of_the_paper():
    """Return the fields of an analysis with a margin and with enough people for a mixed model."""
    judgments = read_judgments(FOLDER / "judgments.csv")
    return names(analysis_as_dict(analyze(judgments, margin=0.05, draws=20)))


@pytest.mark.django_db
def test_every_field_of_the_report_is_documented():
    study, many = judged_study(), judged_study(arms=("standard", "mild", "strong"))
    exclude(study)
    Completion.objects.filter(batch_key=study.key).update(finish_reason="length")
    text = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")
    entries = {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }

    fields = names(json.loads(render(study, "json"))) | names(json.loads(render(many, "json")))
    fields |= names(json.loads(render(planned_study(), "json"))) | of_the_paper()

    assert {"win_rate", "two_way", "data_sha256", "median_seconds", "rank_low", "bound"} <= fields
    assert sorted(fields - entries) == []
    assert sorted(entries - fields) == []
