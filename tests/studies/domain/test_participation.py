"""Joining a study: one annotator per browser and per external id."""

from datetime import UTC, datetime, timedelta

import pytest

from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.domain.participation import consent, finish, instruct, join, known
from studies.enums import AnnotatorStatus
from tests.factories import open_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)


def test_pseudonyms_count_up_within_the_study():
    study, other = open_study(), open_study()
    join(study=other, token="x")

    names = [join(study=study, token=f"t{number}").pseudonym for number in range(3)]

    assert names == ["annotator-0001", "annotator-0002", "annotator-0003"]


def test_a_pseudonym_in_use_is_passed_over():
    study = open_study()
    join(study=study, token="one")
    second = join(study=study, token="two")
    study.annotators.exclude(pk=second.pk).delete()

    assert join(study=study, token="three").pseudonym == "annotator-0003"


def test_joining_again_is_the_same_annotator():
    study = open_study()

    first, second = (join(study=study, token="one") for _ in range(2))

    assert first == second


def test_an_external_id_counts_more_than_the_browser():
    study = open_study()
    first = join(study=study, token="one", external_id="5f1")

    assert join(study=study, token="two", external_id="5f1") == first
    assert known(study=study, token="two", external_id="5f1") == first
    assert join(study=study, token="three", external_id="5f2") != first


def test_nobody_joins_a_paused_study():
    study = open_study()
    lifecycle.pause_study(study=study, actor="tests")

    with pytest.raises(StudyError, match="does not take new annotators"):
        join(study=study, token="one")


def test_the_first_consent_and_the_first_end_stand():
    annotator = join(study=open_study(), token="one")

    for now in (NOW, NOW + timedelta(hours=1)):
        consent(annotator=annotator, now=now)
        instruct(annotator=annotator, now=now)
        finish(annotator=annotator, now=now)

    annotator.refresh_from_db()
    assert (annotator.consented_at, annotator.instructed_at, annotator.finished_at) == (NOW, NOW, NOW)
    assert annotator.status == AnnotatorStatus.FINISHED


def test_those_who_join_a_simulated_study_are_simulated():
    annotator = join(study=open_study(simulated=True), token="one")

    assert annotator.simulated
