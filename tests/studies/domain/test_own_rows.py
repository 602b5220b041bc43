"""Attention checks and swapped repeats: each annotator's own rows, mixed among the comparisons."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.assignment import claim_next, open_row, progress, skip
from studies.domain.conduct import conduct
from studies.domain.errors import StudyError
from studies.domain.invariants import violations
from studies.domain.judging import Answer, Submission, submit, undo_last
from studies.domain.unblinding import responses
from studies.enums import Frame, Kind
from studies.models import Annotator, Assignment, Study
from tests.factories import AnnotatorFactory, open_study, ready_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)
CHECKS = {"shuffled": 2, "mismatched": 1}


def a_study(**fields) -> Study:
    return open_study(**({"comparisons": 12, "quota": 8, "checks": CHECKS, "repeats": 2} | fields))


def somebody(study: Study, number: int = 1) -> Annotator:
    return AnnotatorFactory(study=study, pseudonym=f"annotator-{number:04}")


def answer(row: Assignment, choice: str = "A", now: datetime = NOW) -> None:
    submission = Submission(assignment_key=row.key, answers={"overall": Answer(choice)}, key=uuid.uuid4())
    submit(annotator=row.annotator, submission=submission, now=now)


def always_a(_row: Assignment) -> str:
    return "A"


def session(annotator: Annotator, choose=always_a) -> list[Assignment]:
    rows, now = [], NOW
    while row := claim_next(annotator=annotator, now=now):
        answer(row, choose(row), now)
        rows.append(row)
        now += timedelta(seconds=10)
    return rows


def intact(row: Assignment) -> str:
    candidate = row.candidate_slot
    other = "B" if candidate == "A" else "A"
    return candidate if row.comparison.replaced == Frame.BASELINE else other


def kinds(rows: list[Assignment]) -> list[str]:
    return [row.comparison.kind for row in rows]


def test_an_annotator_meets_their_quota_and_all_checks_and_repeats():
    rows = session(somebody(a_study()))

    assert Counter(kinds(rows)) == {"real": 8, "check": 3, "repeat": 2}
    assert kinds(rows)[0] == "real"


def test_studies_without_checks_have_none():
    rows = session(somebody(open_study(comparisons=3)))

    assert Counter(kinds(rows)) == {"real": 3}


def test_a_check_shows_the_decoy_instead_of_the_response_it_replaces():
    row = next(row for row in session(somebody(a_study())) if row.comparison.kind == Kind.CHECK)

    texts = {response.slot.value: response.text for response in responses(row)}

    replaced = row.comparison.candidate if row.comparison.replaced == "candidate" else row.comparison.baseline
    kept = row.comparison.baseline if row.comparison.replaced == "candidate" else row.comparison.candidate
    shown = texts.pop(intact(row))
    assert shown == kept.text
    assert list(texts.values()) == [row.comparison.decoy]
    assert replaced.text not in {shown, row.comparison.decoy}


def test_decoys_are_the_words_of_the_response_or_one_to_another_prompt():
    study = a_study()
    checks = study.comparisons.filter(kind=Kind.CHECK)

    made = Counter(checks.values_list("decoy_made", flat=True))

    assert made == CHECKS
    for check in checks:
        own = check.candidate if check.replaced == "candidate" else check.baseline
        same_words = sorted(check.decoy.split()) == sorted(own.text.split())
        sources = Completion.objects.filter(batch_key=study.key, text=check.decoy)
        foreign = sources.exclude(prompt_key=check.prompt.key).exists()
        assert (same_words, foreign) == (check.decoy_made == "shuffled", check.decoy_made == "mismatched")


def test_a_repeat_is_a_judged_comparison_with_its_sides_swapped_and_not_the_last_one():
    rows = session(somebody(a_study()))
    pairs = [(row.comparison.candidate_id, row.comparison.baseline_id) for row in rows]
    real = [pair if row.comparison.kind == Kind.REAL else None for pair, row in zip(pairs, rows, strict=True)]

    for place, row in enumerate(rows):
        if row.comparison.kind == Kind.REPEAT:
            first = real.index(pairs[place])
            assert {rows[first].candidate_slot, row.candidate_slot} == {"A", "B"}
            assert place - first > 1


def test_the_progress_counts_own_rows_like_any_and_its_end_stands_still():
    annotator = somebody(a_study())
    told = []

    while row := claim_next(annotator=annotator, now=NOW):
        far = progress(annotator=annotator, now=NOW)
        told.append((far.position, far.total))
        answer(row)

    assert told == [(number, 13) for number in range(1, 14)]


def test_every_annotator_has_an_order_of_their_own_and_the_same_one_again():
    first, second = a_study(), a_study()

    mine = kinds(session(somebody(first)))

    assert mine == kinds(session(somebody(second)))
    assert any(mine != kinds(session(somebody(first, number))) for number in range(2, 5))


def test_checks_and_repeats_take_no_row_of_the_plan():
    study = a_study(comparisons=4, quota=4, checks={"shuffled": 1}, repeats=1)
    for number in range(2):
        session(somebody(study, number))

    real = study.assignments.filter(comparison__kind=Kind.REAL)

    assert (real.count(), real.filter(submitted_at=None).count()) == (8, 0)
    assert list(violations(Study.objects.get(pk=study.pk))) == []


def own_row(annotator: Annotator, kind: str = Kind.CHECK) -> Assignment:
    while (row := claim_next(annotator=annotator, now=NOW)).comparison.kind != kind:
        answer(row)
    return row


def test_an_own_row_waits_for_its_annotator_for_years():
    study = a_study()
    annotator, other = somebody(study), somebody(study, 2)
    row = own_row(annotator)
    much_later = NOW + timedelta(days=900)

    theirs = [claimed.comparison_id for claimed in [claim_next(annotator=other, now=much_later)]]
    again = claim_next(annotator=annotator, now=much_later)

    assert again.pk == row.pk
    assert row.pk not in Assignment.objects.filter(annotator=other).values_list("pk", flat=True)
    assert theirs != []


def test_a_check_given_back_is_gone_and_does_not_come_again():
    study = a_study()
    annotator = somebody(study)
    row = own_row(annotator)

    given = skip(annotator=annotator, assignment_key=row.key, reason="broken")

    assert given
    assert not Assignment.objects.filter(pk=row.pk).exists()
    assert row.comparison_id not in [met.comparison_id for met in session(annotator)]


@pytest.mark.parametrize("kind", [Kind.CHECK, Kind.REPEAT])
def test_an_answered_own_row_can_be_taken_back_and_answered_anew(kind):
    study = a_study()
    annotator = somebody(study)
    row = own_row(annotator, kind)
    answer(row)
    claim_next(annotator=annotator, now=NOW)

    taken = undo_last(annotator=annotator, assignment_key=row.key, now=NOW)

    assert taken
    assert open_row(annotator).pk == row.pk
    session(annotator)
    assert list(violations(Study.objects.get(pk=study.pk))) == []


def test_undoing_the_answer_before_a_check_brings_the_same_check_again():
    annotator = somebody(a_study())
    row = own_row(annotator)
    before = annotator.assignments.exclude(submitted_at=None).order_by("-submitted_at", "-pk").first()
    undo_last(annotator=annotator, assignment_key=before.key, now=NOW)

    answer(claim_next(annotator=annotator, now=NOW))
    again = claim_next(annotator=annotator, now=NOW)

    assert again.comparison_id == row.comparison_id


def test_conduct_tells_checks_passed_and_repeats_alike():
    study = a_study()
    careful, careless = somebody(study), somebody(study, 2)
    session(careful, lambda row: intact(row) if row.comparison.kind == "check" else row.candidate_slot)
    session(careless, lambda row: "A" if row.comparison.kind == "real" else "tie")

    how = conduct(study)

    assert (how[careful.pk].checks, how[careful.pk].passed) == (3, 3)
    assert (how[careful.pk].repeats, how[careful.pk].alike) == (2, 2)
    assert (how[careless.pk].checks, how[careless.pk].passed) == (3, 0)
    assert (how[careless.pk].repeats, how[careless.pk].alike) == (2, 0)
    assert how[careless.pk].most_common == 1.0


def test_checks_that_cannot_be_made_stop_the_opening():
    study = ready_study(prompts=2, checks={"shuffled": 2})
    Completion.objects.filter(batch_key=study.key).update(text="Yes.")
    study.comparisons.update(identical=False)

    with pytest.raises(StudyError, match="Only 0 of the 2 attention checks can be made"):
        lifecycle.open_study(study=study, actor="tests")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_schedule_leaves_every_invariant_standing(data):
    study = a_study(
        comparisons=data.draw(st.integers(2, 6)),
        quota=data.draw(st.integers(2, 6)),
        checks={"shuffled": data.draw(st.integers(0, 2))},
        repeats=data.draw(st.integers(0, 2)),
    )
    people = [somebody(study, number) for number in range(3)]
    now = NOW
    for _ in range(40):
        now += timedelta(minutes=data.draw(st.sampled_from([1, 45])))
        person = data.draw(st.sampled_from(people))
        row = claim_next(annotator=person, now=now)
        act = data.draw(st.sampled_from(["answer", "answer", "answer", "skip", "undo", "leave"]))
        if act == "undo":
            done = person.assignments.exclude(submitted_at=None).order_by("-submitted_at", "-pk").first()
            if done:
                undo_last(annotator=person, assignment_key=done.key, now=now)
        elif row and act == "skip":
            skip(annotator=person, assignment_key=row.key, reason="broken")
        elif row and act == "answer":
            answer(row, data.draw(st.sampled_from(["A", "tie", "B"])), now)

    assert list(violations(Study.objects.get(pk=study.pk))) == []
