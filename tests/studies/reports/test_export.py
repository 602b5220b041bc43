"""The judgments file from the database: the contract's columns, safe cells, active rules."""

import csv
import io

import pytest
from django.utils import timezone

from studies.analysis.judgments_file import COLUMNS, parse_judgments
from studies.domain.unblinding import unblind
from studies.models import Judgment
from studies.reports.export import filename, judgment_lines, judgments_bytes
from tests.factories import closed_study, draft_study
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db


def read(study):
    return list(csv.DictReader(io.StringIO(judgments_bytes(study).decode(), newline="")))


def test_one_row_per_judgment_in_the_contracts_columns():
    study = judged_study()

    rows = read(study)

    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == Judgment.objects.count() == 80
    stored = Judgment.objects.select_related("assignment")
    wanted = sorted(unblind(j.choice, candidate_slot=j.assignment.candidate_slot).value for j in stored)
    assert sorted(row["outcome"] for row in rows) == wanted
    assert {row["candidate_arm"] for row in rows} == {"guided"}
    assert {row["baseline_arm"] for row in rows} == {"standard"}
    assert {row["candidate_tokens"] for row in rows} == {"12"}


def test_the_primary_criterion_comes_first():
    rows = read(judged_study())

    assert [row["criterion"] for row in rows] == ["follows"] * 40 + ["answers"] * 40


def test_the_analysis_reads_what_the_export_wrote():
    study = judged_study()

    judgments = parse_judgments(judgments_bytes(study))

    assert len(judgments) == 80
    assert judgments.criteria == ("follows", "answers")


def test_graded_strength_is_signed_for_the_candidate():
    study = closed_study(choice="A", criteria=(("overall", "five_point"),))
    Judgment.objects.update(strength=2)

    rows = read(study)

    assert {(row["candidate_slot"], row["strength"]) for row in rows} == {("A", "2"), ("B", "-2")}
    assert len(parse_judgments(judgments_bytes(study))) == len(rows)


def test_rules_in_force_are_flagged_and_revoked_ones_are_not():
    study = judged_study()
    exclude(study, "annotator-0001", revoked_at=timezone.now())
    exclude(study, "annotator-0002")
    one = Judgment.objects.filter(assignment__annotator__pseudonym="annotator-0003").first()
    one.exclusions.create(study=study, rule="technical-problem")

    rows = read(study)

    flagged = {(row["annotator"], row["exclusion_rule"]) for row in rows if row["excluded"] == "1"}
    assert flagged == {("annotator-0002", "too-fast"), ("annotator-0003", "technical-problem")}
    assert sum(row["excluded"] == "1" for row in rows) == 10 + 1


def test_streaming_holds_one_line_at_a_time(django_assert_max_num_queries):
    study = judged_study()

    with django_assert_max_num_queries(2):
        lines = list(judgment_lines(study))

    assert len(lines) == 81
    assert all(line.count("\n") == 1 for line in lines)


def test_simulated_files_say_so_in_their_names():
    study = draft_study(slug="demo", simulated=True)

    assert filename(study, "judgments", "csv") == "SIMULATED-demo-judgments.csv"
    study.simulated = False
    assert filename(study, "judgments", "csv") == "demo-judgments.csv"


def test_every_row_of_a_simulated_study_says_so():
    study = closed_study(slug="demo", simulated=True, comparisons=2)

    rows = read(study)

    assert {row["study"] for row in rows} == {"demo (SIMULATED)"}
