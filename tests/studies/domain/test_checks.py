"""Attention checks that researchers write: their texts, their sides, and what passing means."""

import uuid
from datetime import UTC, datetime

import pytest

from studies.domain.assignment import claim_next
from studies.domain.conduct import conduct
from studies.domain.errors import StudyError
from studies.domain.invariants import violations
from studies.domain.judging import Answer, Submission, submit
from studies.domain.plan import study_document
from studies.domain.unblinding import responses
from studies.enums import Kind
from tests.factories import AnnotatorFactory, open_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)
WRITTEN = [
    {"prompt": "What is 2 + 2?", "better": "It is four.", "worse": "It is a fish."},
    {"prompt": "Name a colour.", "better": "Blue.", "worse": "Seven."},
]


def a_study(**fields):
    checks = {"written": 2} | fields.pop("made", {})
    return open_study(**{"comparisons": 6, "checks": checks, "written_checks": WRITTEN} | fields)


def session(annotator, choose):
    rows = []
    while row := claim_next(annotator=annotator, now=NOW):
        answer = Answer(choose({each.slot.value: each.text for each in responses(row)}))
        submission = Submission(assignment_key=row.key, answers={"overall": answer}, key=uuid.uuid4())
        submit(annotator=annotator, submission=submission, now=NOW)
        rows.append(row)
    return [row for row in rows if row.comparison.kind == Kind.CHECK]


def better(texts):
    return next((slot for slot, text in texts.items() if text in {"It is four.", "Blue."}), "A")


def test_everybody_meets_each_written_check_with_its_own_texts():
    study = a_study(made={"shuffled": 1})

    rows = session(AnnotatorFactory(study=study), better)

    written = [row for row in rows if row.comparison.asked]
    shown = {row.comparison.asked: {each.text for each in responses(row)} for row in written}
    assert len(rows) == 3
    assert shown == {check["prompt"]: {check["better"], check["worse"]} for check in WRITTEN}
    assert next(violations(study), None) is None


def test_passing_is_to_prefer_the_better_text_wherever_it_stands():
    study = a_study()
    careful, careless = (AnnotatorFactory(study=study, pseudonym=name) for name in ("careful", "careless"))
    session(careful, better)
    session(careless, lambda texts: "A" if better(texts) == "B" else "B")

    how = conduct(study)

    assert (how[careful.pk].passed, how[careful.pk].checks) == (2, 2)
    assert (how[careless.pk].passed, how[careless.pk].checks) == (0, 2)


def test_the_better_text_stands_on_both_sides_for_some():
    study = a_study(comparisons=8)
    sides = set()
    for number in range(12):
        for row in session(AnnotatorFactory(study=study, pseudonym=f"n{number}"), better):
            sides.add(better({each.slot.value: each.text for each in responses(row)}))

    assert sides == {"A", "B"}


def test_the_plan_freezes_their_texts_by_hash_and_the_file_says_them():
    study = a_study()

    assert all(len(check["asked"]) == len(check["intact"]) == 64 for check in study.plan["checks"])
    assert study_document(study)["checks"] == {"written": WRITTEN}


def test_more_checks_than_pairs_stop_the_opening():
    with pytest.raises(StudyError, match="fewer pairs than attention checks"):
        a_study(comparisons=1)
