"""The survey after the comparisons, and its file."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from studies.domain import lifecycle
from studies.models import Annotator, Study
from studies.reports.survey import survey_csv
from tests.factories import open_study

pytestmark = pytest.mark.django_db
SURVEY = [
    {
        "name": "reading",
        "question": "How often do you read?",
        "kind": "single",
        "options": ["Daily", "Rarely"],
    },
    {"name": "tools", "question": "With what?", "kind": "multiple", "options": ["Paper", "Screen", "Ears"]},
    {"name": "clear", "question": "How clear was it?", "kind": "scale", "least": 1, "most": 5},
    {"name": "age", "question": "Your age?", "kind": "number", "least": 18, "most": 120, "required": False},
    {"name": "remarks", "question": "Anything to add?", "kind": "text", "required": False},
]
ANSWERS = {"reading": "Daily", "tools": ["Paper", "Ears"], "clear": "4", "age": "33", "remarks": "=1+1"}


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def judge_one(client: Client, study: Study) -> str:
    page = client.get(address(study, "compare"))
    key, assignment = page.context["key"], page.context["assignment"]
    client.post(address(study, "compare"), {"key": key, "assignment": assignment, "choice-overall": "A"})
    return assignment


def compare_all(client: Client, study: Study) -> Annotator:
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))
    for _ in range(study.comparisons.count()):
        judge_one(client, study)
    return study.annotators.latest("id")


@pytest.fixture
def study():
    return open_study(comparisons=2, survey=SURVEY)


def where(client: Client, study: Study) -> str:
    return client.get(address(study, "start"), follow=True).redirect_chain[-1][0]


def test_the_survey_comes_between_the_last_comparison_and_the_code(client, study):
    annotator = compare_all(client, study)

    page = client.get(address(study, "compare"), follow=True)

    annotator.refresh_from_db()
    assert page.redirect_chain[-1][0] == where(client, study) == address(study, "survey")
    assert annotator.code not in page.text
    assert annotator.finished_at is None


def test_answers_are_stored_by_name_and_the_code_follows(client, study):
    annotator = compare_all(client, study)
    client.get(address(study, "compare"))

    page = client.post(address(study, "survey"), ANSWERS, follow=True)

    annotator.refresh_from_db()
    assert annotator.survey == {
        "reading": "Daily",
        "tools": ["Paper", "Ears"],
        "clear": 4,
        "age": 33,
        "remarks": "=1+1",
    }
    assert annotator.finished_at is not None
    assert annotator.code in page.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reading": ""}, "Choose an answer."),
        ({"tools": []}, "Tick at least one."),
        ({"clear": "6"}, "Select a valid choice"),
        ({"age": "7"}, "greater than or equal to 18"),
    ],
)
def test_what_is_missing_or_out_of_bounds_is_asked_again_and_the_rest_kept(client, study, wrong, words):
    annotator = compare_all(client, study)
    client.get(address(study, "compare"))

    page = client.post(address(study, "survey"), ANSWERS | wrong)

    annotator.refresh_from_db()
    assert (page.status_code, annotator.survey) == (422, {})
    assert words in page.text
    assert "=1+1" in page.text


def test_undo_from_the_survey_leads_back_and_the_survey_is_asked_once(client, study):
    annotator = compare_all(client, study)
    client.get(address(study, "compare"))
    last = client.get(address(study, "survey")).context["undo"]

    client.post(address(study, "undo"), {"assignment": last})
    again = judge_one(client, study)
    client.get(address(study, "compare"))
    client.post(address(study, "survey"), ANSWERS)
    client.post(address(study, "undo"), {"assignment": again})
    judge_one(client, study)

    assert again == last
    assert client.get(address(study, "compare")).url == address(study, "thanks")
    annotator.refresh_from_db()
    assert annotator.survey["reading"] == "Daily"


def test_nobody_gets_to_the_survey_before_they_have_compared(client, study):
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))

    client.post(address(study, "survey"), ANSWERS)

    annotator = study.annotators.get()
    assert (annotator.surveyed_at, annotator.survey) == (None, {})


def test_a_study_paused_at_the_end_keeps_the_survey_for_later(client, study):
    compare_all(client, study)
    client.get(address(study, "compare"))
    paused = lifecycle.pause_study(study=study, actor="tests")

    shut = client.get(address(study, "survey")).text
    lifecycle.resume_study(study=paused, actor="tests")

    assert "paused this study" in shut
    assert where(client, study) == address(study, "survey")


def test_the_file_has_a_row_per_annotator_and_no_formula(client, study):
    compare_all(client, study)
    client.get(address(study, "compare"))
    client.post(address(study, "survey"), ANSWERS)

    head, row = csv.reader(io.StringIO(survey_csv(study)))

    assert head == ["study", "annotator", "answered_at", "reading", "tools", "clear", "age", "remarks"]
    assert [row[1], *row[3:]] == ["annotator-0001", "Daily", "Paper; Ears", "4", "33", "'=1+1"]


def test_the_dashboard_offers_the_file_of_a_study_that_asks(dashboard, study):
    page = dashboard.get(f"/studies/{study.slug}/").content.decode()
    file = dashboard.get(f"/studies/{study.slug}/survey.csv")

    assert "Survey answers" in page
    assert file.content.decode().startswith("study,annotator,answered_at,reading")
    assert dashboard.get(f"/studies/{open_study(comparisons=1).slug}/survey.csv").status_code == 404
