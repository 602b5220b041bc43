"""The report of a study whose candidates meet each other as well as the baseline."""

import csv
import io

import pytest

from studies.domain.invariants import violations
from studies.reports.export import judgments_bytes
from studies.reports.render import render
from tests.factories import closed_study

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("design", ["all_pairs", "balanced"])
def test_a_study_of_several_arms_is_reported_by_its_pairs(design):
    study = closed_study(comparisons=6, arms=("standard", "mild", "strong"), design=design)

    rows = list(csv.DictReader(io.StringIO(judgments_bytes(study).decode())))
    page = render(study, "html").decode()

    assert {(row["candidate_arm"], row["baseline_arm"]) for row in rows} == {
        ("mild", "standard"),
        ("strong", "standard"),
        ("strong", "mild"),
    }
    assert "strong against mild" in page
    assert "overall (strong against mild)" in page
    assert not [line for line in violations(study) if "pair" in line or "rows" in line]
