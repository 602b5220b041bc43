"""Claims: the plan's rows, each to one annotator, in a fair order."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.domain import free_rows, lifecycle
from studies.domain.assignment import claim_next, open_row, progress, skip
from studies.domain.judging import Answer, Receipt, Submission, submit
from studies.models import Annotator, Assignment, Study
from tests.factories import AnnotatorFactory, open_study

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)  # past the lease of 30 minutes


def annotator_of(study: Study, number: int = 1) -> Annotator:
    return AnnotatorFactory(study=study, pseudonym=f"annotator-{number:04}")


def answer(annotator: Annotator, row: Assignment, now: datetime = NOW) -> Receipt:
    answers = {criterion.name: Answer("A") for criterion in annotator.study.criteria.all()}
    submission = Submission(assignment_key=row.key, answers=answers, key=uuid.uuid4())
    return submit(annotator=annotator, submission=submission, now=now)


def judge_all(annotator: Annotator, now: datetime = NOW) -> list[Assignment]:
    rows = []
    while row := claim_next(annotator=annotator, now=now):
        answer(annotator, row, now)
        rows.append(row)
    return rows


def test_a_claim_leases_the_row_for_as_long_as_the_plan_says():
    annotator = annotator_of(open_study(lease_minutes=45))

    row = claim_next(annotator=annotator, now=NOW)

    assert (row.annotator, row.leased_at, row.lease_expires_at) == (
        annotator,
        NOW,
        NOW + timedelta(minutes=45),
    )


def test_claiming_again_returns_the_same_row_and_keeps_its_lease():
    annotator = annotator_of(open_study())
    row = claim_next(annotator=annotator, now=NOW)

    again = claim_next(annotator=annotator, now=NOW + timedelta(minutes=10))

    assert (again.pk, again.lease_expires_at) == (row.pk, row.lease_expires_at)


def test_the_holder_of_a_lease_that_ran_out_gets_it_renewed():
    annotator = annotator_of(open_study())
    row = claim_next(annotator=annotator, now=NOW)

    again = claim_next(annotator=annotator, now=LATER)

    row.refresh_from_db()
    assert again.pk == row.pk
    assert row.lease_expires_at == LATER + timedelta(minutes=30)


def test_a_lease_that_ran_out_frees_the_row_for_others():
    study = open_study(comparisons=1, overlap=1)
    first, second = annotator_of(study, 1), annotator_of(study, 2)
    row = claim_next(annotator=first, now=NOW)

    during = claim_next(annotator=second, now=NOW + timedelta(minutes=29))
    after = claim_next(annotator=second, now=NOW + timedelta(minutes=30))

    assert (during, after.pk) == (None, row.pk)
    assert open_row(first) is None


def test_next_is_none_when_all_are_judged():
    annotator = annotator_of(open_study(comparisons=3))

    rows = judge_all(annotator)

    assert len(rows) == 3
    assert claim_next(annotator=annotator, now=NOW) is None


def test_the_quota_ends_an_annotators_part():
    annotator = annotator_of(open_study(comparisons=6, quota=2))

    assert len(judge_all(annotator)) == 2


def test_nothing_is_served_while_the_study_is_paused():
    study = open_study()
    annotator = annotator_of(study)
    lifecycle.pause_study(study=study, actor="tests")

    assert claim_next(annotator=annotator, now=NOW) is None


def test_nobody_is_served_another_studys_rows():
    annotator = annotator_of(open_study(comparisons=2))
    other = open_study(comparisons=5)

    rows = judge_all(annotator)

    assert {row.study_id for row in rows} == {annotator.study_id}
    assert other.assignments.exclude(annotator=None).count() == 0


def test_the_least_filled_comparison_comes_first():
    study = open_study(comparisons=4, overlap=2)
    for number in range(2):
        annotator = annotator_of(study, number)
        for _ in range(2):
            answer(annotator, claim_next(annotator=annotator, now=NOW))

    filled = Counter(study.assignments.exclude(annotator=None).values_list("comparison", flat=True))

    assert sorted(filled.values()) == [1, 1, 1, 1]


def test_a_live_lease_counts_as_filled():
    study = open_study(comparisons=2, overlap=2)
    held = claim_next(annotator=annotator_of(study, 1), now=NOW)

    row = claim_next(annotator=annotator_of(study, 2), now=NOW)

    assert row.comparison_id != held.comparison_id


def test_a_lease_that_ran_out_does_not_count_as_filled():
    study = open_study(comparisons=2, overlap=2)
    held = claim_next(annotator=annotator_of(study, 1), now=NOW)
    study.assignments.filter(comparison=held.comparison).update(sort_key=0)

    row = claim_next(annotator=annotator_of(study, 2), now=LATER)

    assert row.comparison_id == held.comparison_id


@pytest.mark.parametrize("comparisons", [1, 2, 7, 20])
def test_each_annotator_of_a_full_study_meets_both_orders_alike(comparisons):
    study = open_study(comparisons=comparisons, overlap=2)
    for number in range(2):
        slots = Counter(row.candidate_slot for row in judge_all(annotator_of(study, number)))
        assert abs(slots["A"] - slots["B"]) <= 1


def test_the_stored_random_order_decides_among_equals():
    study = open_study(comparisons=5, overlap=1)
    study.assignments.update(candidate_slot="A")

    row = claim_next(annotator=annotator_of(study), now=NOW)

    assert row.sort_key == min(study.assignments.values_list("sort_key", flat=True))


def test_another_prompt_comes_before_the_last_one_again():
    annotator = annotator_of(open_study(comparisons=6, replicates=3, overlap=2))

    prompts = []
    for minute in range(12):
        row = claim_next(annotator=annotator, now=NOW + timedelta(minutes=minute))
        answer(annotator, row, NOW + timedelta(minutes=minute))
        prompts.append(row.comparison.prompt_id)

    assert [pair for pair in pairwise(prompts) if pair[0] == pair[1]] == []


def test_the_last_prompt_comes_again_when_there_is_no_other():
    study = open_study(comparisons=1, replicates=3)

    assert len(judge_all(annotator_of(study))) == 3


def test_a_row_freed_by_its_lease_does_not_pass_for_an_empty_comparison():
    """Its ordinal is low, but its comparison's other rows are answered: the emptier ones come first."""
    study = open_study(comparisons=3, overlap=3)
    fuller = study.comparisons.first()
    for number, row in enumerate(fuller.assignments.order_by("-ordinal")[:2]):
        person = annotator_of(study, number)
        study.assignments.filter(pk=row.pk).update(
            annotator=person, leased_at=NOW, lease_expires_at=NOW, submitted_at=NOW
        )
    fuller.assignments.filter(ordinal=1).update(sort_key=0)

    served = claim_next(annotator=annotator_of(study, 9), now=NOW)

    assert served.comparison_id != fuller.pk


def test_a_comparison_given_back_is_free_for_others_and_gone_for_oneself():
    study = open_study(comparisons=1, overlap=1)
    first, second = annotator_of(study, 1), annotator_of(study, 2)
    row = claim_next(annotator=first, now=NOW)

    given = skip(annotator=first, assignment_key=row.key, reason="broken")

    assert given
    assert claim_next(annotator=first, now=NOW) is None
    assert claim_next(annotator=second, now=NOW).pk == row.pk


def test_giving_back_twice_records_one_report():
    study = open_study()
    annotator = annotator_of(study)
    row = claim_next(annotator=annotator, now=NOW)

    given = [skip(annotator=annotator, assignment_key=row.key, reason="broken") for _ in range(2)]

    assert given == [True, False]
    assert annotator.skips.count() == 1


def test_nobody_gives_back_what_another_holds():
    study = open_study()
    mine, theirs = annotator_of(study, 1), annotator_of(study, 2)
    row = claim_next(annotator=theirs, now=NOW)

    assert not skip(annotator=mine, assignment_key=row.key, reason="broken")
    assert open_row(theirs) == row


def test_progress_is_judged_of_what_can_be_had():
    study = open_study(comparisons=5, quota=4)
    annotator = annotator_of(study)
    before = progress(annotator=annotator, now=NOW)
    answer(annotator, claim_next(annotator=annotator, now=NOW))
    claim_next(annotator=annotator, now=NOW)

    after = progress(annotator=annotator, now=NOW)

    assert (before.done, before.position, before.total) == (0, 1, 4)
    assert (after.done, after.position, after.total) == (1, 2, 4)


def test_progress_shrinks_when_others_take_what_is_left():
    study = open_study(comparisons=4, overlap=1)
    claim_next(annotator=annotator_of(study, 1), now=NOW)

    assert progress(annotator=annotator_of(study, 2), now=NOW).total == 3


@pytest.mark.parametrize("comparisons", [3, 30])
def test_a_claim_costs_the_same_queries_at_any_size(comparisons, django_assert_num_queries):
    annotator = annotator_of(open_study(comparisons=comparisons))

    # A savepoint and its release, the annotator, the row held, the tally, the best row, the
    # conditional update, and the row with its texts.
    with django_assert_num_queries(8):
        claim_next(annotator=annotator, now=NOW)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    comparisons=st.integers(1, 6),
    overlap=st.integers(1, 4),
    people=st.integers(1, 6),
)
def test_no_schedule_breaks_the_plan(db, seed, comparisons, overlap, people):
    """People come, answer, give back, vanish past their lease: the plan holds after every step."""
    study = open_study(comparisons=comparisons, overlap=overlap, slug=f"s-{uuid.uuid4().hex[:12]}")
    planned = _orders(study)
    annotators = [AnnotatorFactory(study=study) for _ in range(people)]
    rng = np.random.default_rng(seed)
    now = NOW

    for _ in range(25):
        annotator = annotators[rng.integers(people)]
        now += timedelta(minutes=int(rng.choice([0, 1, 40], p=[0.5, 0.4, 0.1])))
        row = claim_next(annotator=annotator, now=now)
        if row is None:
            continue
        step = rng.random()
        if step < 0.7:
            assert answer(annotator, row, now) is Receipt.SAVED
        elif step < 0.8:
            skip(annotator=annotator, assignment_key=row.key, reason="broken")

    taken = study.assignments.exclude(annotator=None)
    met = Counter(taken.values_list("comparison", "annotator"))
    held = Counter(taken.filter(submitted_at=None).values_list("annotator", flat=True))
    assert _orders(study) == planned
    assert set(met.values()) <= {1}
    assert set(held.values()) <= {1}


def _orders(study: Study) -> dict[int, str]:
    return dict(study.assignments.values_list("pk", "candidate_slot"))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), comparisons=st.integers(2, 8), half=st.integers(1, 2))
def test_a_study_that_stops_early_is_filled_evenly(db, seed, comparisons, half):
    """As long as nobody runs out of comparisons, fills differ by one at most."""
    study = open_study(comparisons=comparisons, overlap=2 * half, slug=f"s-{uuid.uuid4().hex[:12]}")
    annotators = [AnnotatorFactory(study=study) for _ in range(2 * half)]
    rng = np.random.default_rng(seed)

    for _ in range(int(rng.integers(1, comparisons + 1))):
        annotator = annotators[rng.integers(len(annotators))]
        answer(annotator, claim_next(annotator=annotator, now=NOW))

    fills = [
        comparison.assignments.filter(submitted_at__isnull=False).count()
        for comparison in study.comparisons.all()
    ]
    assert max(fills) <= 1


def _fill(study: Study, comparison: int, now: datetime) -> int:
    rows = study.assignments.filter(comparison=comparison)
    return rows.filter(Q(submitted_at__isnull=False) | Q(lease_expires_at__gt=now)).count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), overlap=st.integers(1, 4))
def test_what_is_served_is_always_of_the_least_filled(db, seed, overlap):
    """With so few rows looked at that most are out of sight: the others are found when they matter."""
    study = open_study(comparisons=9, overlap=overlap, slug=f"s-{uuid.uuid4().hex[:12]}")
    annotators = [AnnotatorFactory(study=study) for _ in range(5)]
    rng = np.random.default_rng(seed)
    now = NOW

    with mock.patch.multiple(free_rows, _EACH=1, _WIDER=(3, 9)):
        for _ in range(30):
            annotator = annotators[rng.integers(5)]
            if (held := open_row(annotator)) is not None:
                answer(annotator, held, now)
            now += timedelta(minutes=int(rng.choice([0, 1, 40], p=[0.5, 0.4, 0.1])))
            met = set(annotator.assignments.values_list("comparison", flat=True))
            free = study.assignments.filter(submitted_at=None).exclude(comparison__in=met)
            free = free.filter(Q(annotator=None) | Q(lease_expires_at__lte=now))
            fills = {row: _fill(study, row, now) for row in set(free.values_list("comparison", flat=True))}
            row = claim_next(annotator=annotator, now=now)
            if row is not None:
                assert fills[row.comparison_id] == min(fills.values())


@pytest.mark.parametrize("wider", [(), (9,)])
def test_an_empty_comparison_behind_half_filled_ones_is_found_by_looking_further(wider):
    study = open_study(comparisons=9, overlap=2)
    first = list(study.assignments.filter(ordinal=1).order_by("candidate_slot", "sort_key"))
    hidden = first[-1].comparison_id
    for row in study.assignments.filter(comparison=hidden):
        row.sort_key |= 2**free_rows.SLOT_BITS - 1  # the last of its ordinal and order
        row.save(update_fields=["sort_key"])
    others = AnnotatorFactory.create_batch(8, study=study)
    for number, (row, other) in enumerate(zip(first[:-1], others, strict=True)):
        taken = study.assignments.filter(comparison=row.comparison_id, ordinal=1 + number % 2)
        taken.update(annotator=other, leased_at=NOW, lease_expires_at=LATER, submitted_at=NOW)

    with mock.patch.multiple(free_rows, _EACH=1, _WIDER=wider):
        newcomer = AnnotatorFactory(study=study, pseudonym="newcomer")
        row = claim_next(annotator=newcomer, now=NOW)

    assert (row.comparison_id == hidden) is bool(wider)
