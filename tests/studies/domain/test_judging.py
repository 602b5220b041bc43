"""Answers: each stored once, in the frame of the screen, and taken back on the record."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from studies.domain import lifecycle
from studies.domain.assignment import claim_next, open_row
from studies.domain.errors import StudyError
from studies.domain.judging import Answer, Receipt, Submission, submit, undo_last
from studies.domain.participation import finish
from studies.enums import AnnotatorStatus, Scale
from studies.models import Annotator, Assignment, AuditEvent, Judgment, Study
from tests.factories import AnnotatorFactory, open_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)  # past the lease of 30 minutes


def annotator_of(study: Study, number: int = 1) -> Annotator:
    return AnnotatorFactory(study=study, pseudonym=f"annotator-{number:04}")


def submission(row: Assignment, key: uuid.UUID | None = None, **answers: Answer) -> Submission:
    return Submission(
        assignment_key=row.key,
        answers=answers or {"overall": Answer("A")},
        key=key or uuid.uuid4(),
        active_ms=1200,
    )


def answer(annotator: Annotator, now: datetime = NOW) -> Assignment:
    row = claim_next(annotator=annotator, now=now)
    submit(annotator=annotator, submission=submission(row), now=now)
    return row


def test_an_answer_fills_the_row_and_makes_one_judgment_per_criterion():
    study = open_study(criteria=(("overall", Scale.TIE), ("clarity", Scale.FIVE_POINT)))
    annotator = annotator_of(study)
    row = claim_next(annotator=annotator, now=NOW)

    receipt = submit(
        annotator=annotator,
        submission=submission(row, overall=Answer("tie"), clarity=Answer("B", 2, "clearer")),
        now=NOW,
    )

    row.refresh_from_db()
    stored = row.judgments.order_by("criterion__position")
    assert receipt is Receipt.SAVED
    assert row.submitted_at == NOW
    assert list(stored.values_list("criterion__name", "choice", "strength", "reason")) == [
        ("overall", "tie", None, ""),
        ("clarity", "B", 2, "clearer"),
    ]


def test_the_same_submission_again_is_a_success_without_a_second_row():
    annotator = annotator_of(open_study())
    given = submission(claim_next(annotator=annotator, now=NOW))

    receipts = [submit(annotator=annotator, submission=given, now=NOW) for _ in range(2)]

    assert receipts == [Receipt.SAVED, Receipt.REPEATED]
    assert Judgment.objects.count() == 1


def test_the_first_answer_stands_against_another_page():
    annotator = annotator_of(open_study())
    row = claim_next(annotator=annotator, now=NOW)
    submit(annotator=annotator, submission=submission(row, overall=Answer("A")), now=NOW)

    receipt = submit(annotator=annotator, submission=submission(row, overall=Answer("B")), now=NOW)

    assert receipt is Receipt.ALREADY
    assert Judgment.objects.get().choice == "A"


def test_a_late_answer_is_kept_while_nobody_else_has_the_row():
    annotator = annotator_of(open_study())
    row = claim_next(annotator=annotator, now=NOW)

    assert submit(annotator=annotator, submission=submission(row), now=LATER) is Receipt.SAVED


def test_a_late_answer_is_not_counted_once_somebody_else_has_the_row():
    study = open_study(comparisons=1, overlap=1)
    first, second = annotator_of(study, 1), annotator_of(study, 2)
    row = claim_next(annotator=first, now=NOW)
    claim_next(annotator=second, now=LATER)

    receipt = submit(annotator=first, submission=submission(row), now=LATER)

    assert receipt is Receipt.TAKEN
    assert Judgment.objects.count() == 0


def test_an_unknown_row_is_no_row():
    annotator = annotator_of(open_study())
    unknown = Submission(assignment_key=uuid.uuid4(), answers={}, key=uuid.uuid4())

    with pytest.raises(Assignment.DoesNotExist):
        submit(annotator=annotator, submission=unknown, now=NOW)


def test_a_key_used_for_another_comparison_is_refused():
    annotator = annotator_of(open_study())
    key = uuid.uuid4()
    first = claim_next(annotator=annotator, now=NOW)
    submit(annotator=annotator, submission=submission(first, key), now=NOW)
    second = claim_next(annotator=annotator, now=NOW)

    with pytest.raises(StudyError, match="used for another comparison"):
        submit(annotator=annotator, submission=submission(second, key), now=NOW)

    assert Judgment.objects.count() == 1
    assert open_row(annotator) == second


@pytest.mark.parametrize(
    ("scale", "given"),
    [
        (Scale.TWO_WAY, Answer("tie")),
        (Scale.TIE, Answer("both_bad")),
        (Scale.TIE, Answer("A", 1)),
        (Scale.TIE, Answer("left")),
        (Scale.FIVE_POINT, Answer("A")),
        (Scale.FIVE_POINT, Answer("A", 3)),
        (Scale.FIVE_POINT, Answer("A", 0)),
        (Scale.SEVEN_POINT, Answer("tie", 1)),
        (Scale.SEVEN_POINT, Answer("both_bad", 0)),
    ],
)
def test_an_answer_off_the_scale_is_refused_and_names_the_question(scale, given):
    annotator = annotator_of(open_study(criteria=(("overall", scale),)))
    row = claim_next(annotator=annotator, now=NOW)

    with pytest.raises(StudyError, match=r"“Which response is better: overall\?” does not offer"):
        submit(annotator=annotator, submission=submission(row, overall=given), now=NOW)

    assert Judgment.objects.count() == 0


@pytest.mark.parametrize(
    ("scale", "given"),
    [
        (Scale.BOTH_BAD, Answer("both_bad")),
        (Scale.FIVE_POINT, Answer("tie", 0)),
        (Scale.SEVEN_POINT, Answer("B", 3)),
    ],
)
def test_what_a_scale_offers_is_stored(scale, given):
    annotator = annotator_of(open_study(criteria=(("overall", scale),)))
    row = claim_next(annotator=annotator, now=NOW)

    submit(annotator=annotator, submission=submission(row, overall=given), now=NOW)

    judgment = Judgment.objects.get()
    assert (judgment.choice, judgment.strength) == (given.choice, given.strength)


def test_an_answer_must_cover_every_criterion_and_no_other():
    study = open_study(criteria=(("overall", Scale.TIE), ("clarity", Scale.TIE)))
    annotator = annotator_of(study)
    row = claim_next(annotator=annotator, now=NOW)

    with pytest.raises(StudyError, match="Please answer “Which response is better: clarity"):
        submit(annotator=annotator, submission=submission(row, overall=Answer("A")), now=NOW)
    with pytest.raises(StudyError, match="does not ask “style”"):
        submit(annotator=annotator, submission=submission(row, style=Answer("A")), now=NOW)


def test_a_paused_study_takes_the_answer_on_screen():
    study = open_study()
    annotator = annotator_of(study)
    row = claim_next(annotator=annotator, now=NOW)
    lifecycle.pause_study(study=study, actor="tests")

    assert submit(annotator=annotator, submission=submission(row), now=NOW) is Receipt.SAVED


def test_a_closed_study_takes_none_but_knows_those_it_has():
    study = open_study()
    annotator = annotator_of(study)
    stored = submission(claim_next(annotator=annotator, now=NOW))
    submit(annotator=annotator, submission=stored, now=NOW)
    late = submission(claim_next(annotator=annotator, now=NOW))
    lifecycle.close_study(study=study, actor="tests")

    receipts = [submit(annotator=annotator, submission=given, now=NOW) for given in (stored, late)]

    assert receipts == [Receipt.REPEATED, Receipt.CLOSED]
    assert Judgment.objects.count() == 1


def test_undo_logs_the_answer_deletes_it_and_leases_the_row_again():
    annotator = annotator_of(open_study())
    row = answer(annotator)

    undone = undo_last(annotator=annotator, assignment_key=row.key, now=LATER)

    event = AuditEvent.objects.get(action="judgment.undone")
    row.refresh_from_db()
    assert undone
    assert (row.submitted_at, row.lease_expires_at) == (None, LATER + timedelta(minutes=30))
    assert Judgment.objects.count() == 0
    assert (event.actor, event.study, event.before["assignment"]) == (
        annotator.pseudonym,
        annotator.study,
        str(row.key),
    )
    assert [told["choice"] for told in event.before["judgments"]] == ["A"]


def test_undo_gives_the_row_on_screen_back():
    annotator = annotator_of(open_study())
    last = answer(annotator)
    held = claim_next(annotator=annotator, now=NOW)

    undo_last(annotator=annotator, assignment_key=last.key, now=NOW)

    held.refresh_from_db()
    assert (held.annotator, held.lease_expires_at) == (None, None)
    assert open_row(annotator) == last


def test_undo_twice_takes_back_one():
    annotator = annotator_of(open_study())
    answer(annotator, NOW)
    last = answer(annotator, NOW + timedelta(minutes=1))

    for _ in range(2):
        undo_last(annotator=annotator, assignment_key=last.key, now=LATER)

    assert Judgment.objects.count() == 1
    assert AuditEvent.objects.filter(action="judgment.undone").count() == 1


def test_only_the_last_answer_can_be_taken_back():
    annotator = annotator_of(open_study())
    first = answer(annotator, NOW)
    answer(annotator, NOW + timedelta(minutes=1))

    assert not undo_last(annotator=annotator, assignment_key=first.key, now=LATER)
    assert Judgment.objects.count() == 2


@pytest.mark.parametrize("move", [lifecycle.pause_study, lifecycle.close_study])
def test_nothing_is_taken_back_unless_the_study_is_open(move):
    study = open_study()
    annotator = annotator_of(study)
    row = answer(annotator)
    move(study=study, actor="tests")

    assert not undo_last(annotator=annotator, assignment_key=row.key, now=NOW)
    assert Judgment.objects.count() == 1


def test_nobody_takes_back_another_persons_answer():
    study = open_study()
    mine, theirs = annotator_of(study, 1), annotator_of(study, 2)
    row = answer(theirs)

    assert not undo_last(annotator=mine, assignment_key=row.key, now=NOW)


def test_undo_brings_back_somebody_who_had_finished():
    annotator = annotator_of(open_study(comparisons=1))
    row = answer(annotator)
    finish(annotator=annotator, now=NOW)

    undo_last(annotator=annotator, assignment_key=row.key, now=NOW)

    annotator.refresh_from_db()
    assert (annotator.status, annotator.finished_at) == (AnnotatorStatus.ACTIVE, None)


def test_an_undone_answer_can_be_given_anew():
    annotator = annotator_of(open_study())
    row = answer(annotator)
    undo_last(annotator=annotator, assignment_key=row.key, now=NOW)

    receipt = submit(annotator=annotator, submission=submission(row, overall=Answer("B")), now=NOW)

    assert receipt is Receipt.SAVED
    assert Judgment.objects.get().choice == "B"
