"""How checks, repeats and the comprehension check stand in the report's flow."""

import uuid
from datetime import UTC, datetime

import pytest
from django.utils.html import strip_tags

from studies.domain.assignment import claim_next
from studies.domain.judging import Answer, Submission, submit
from studies.enums import AnnotatorStatus
from studies.reports.flow import flow
from studies.reports.sections_study import flow_steps
from tests.factories import AnnotatorFactory, closed_study, open_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)


def steps(study):
    counted = flow(study, excluded=0, analysed=0)
    return {name: (strip_tags(str(count)), left) for name, count, left in flow_steps(counted)}


def test_checks_and_repeats_are_steps_apart_from_the_plan():
    study = open_study(comparisons=4, overlap=2, checks={"shuffled": 1}, repeats=1)
    annotator = AnnotatorFactory(study=study)
    while row := claim_next(annotator=annotator, now=NOW):
        answers = {"overall": Answer("tie")}
        submit(
            annotator=annotator,
            submission=Submission(assignment_key=row.key, answers=answers, key=uuid.uuid4()),
            now=NOW,
        )
    AnnotatorFactory(study=study, pseudonym="out", status=AnnotatorStatus.SCREENED)

    found = steps(study)

    assert found["Attention checks answered"] == ("1", "1 not passed")
    assert found["Swapped repeats answered"] == ("1", "")
    assert found["Comparisons"] == ("4", "")
    assert found["Assignments planned"] == ("8", "4 not filled")
    assert found["Judgments"] == ("6", "2 of checks and repeats")
    assert found["Annotators who consented"] == ("2", "1 screened out")


def test_studies_without_checks_have_no_such_steps():
    found = steps(closed_study(comparisons=2))

    assert "Attention checks answered" not in found
    assert "Swapped repeats answered" not in found
