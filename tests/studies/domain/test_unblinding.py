import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.domain.unblinding import responses, signed_strength, unblind
from studies.enums import Choice, Outcome, Slot
from tests.factories import open_study

MIRROR = {Choice.A: Choice.B, Choice.B: Choice.A, Choice.TIE: Choice.TIE, Choice.BOTH_BAD: Choice.BOTH_BAD}
OPPOSITE = {Outcome.WIN: Outcome.LOSS, Outcome.LOSS: Outcome.WIN, Outcome.TIE: Outcome.TIE}


@pytest.mark.parametrize(
    ("choice", "candidate_slot", "outcome"),
    [
        ("A", "A", Outcome.WIN),
        ("A", "B", Outcome.LOSS),
        ("B", "A", Outcome.LOSS),
        ("B", "B", Outcome.WIN),
        ("tie", "A", Outcome.TIE),
        ("tie", "B", Outcome.TIE),
        ("both_bad", "A", Outcome.TIE),
        ("both_bad", "B", Outcome.TIE),
    ],
)
def test_choice_and_slot_give_outcome(choice, candidate_slot, outcome):
    assert unblind(choice, candidate_slot=candidate_slot) is outcome


@given(choice=st.sampled_from(Choice), slot=st.sampled_from(Slot))
def test_swapping_the_slots_and_the_choice_changes_nothing(choice, slot):
    assert unblind(choice, candidate_slot=slot) is unblind(MIRROR[choice], candidate_slot=slot.other)


@given(choice=st.sampled_from(Choice), slot=st.sampled_from(Slot))
def test_moving_the_candidate_alone_reverses_the_outcome(choice, slot):
    assert unblind(choice, candidate_slot=slot.other) is OPPOSITE[unblind(choice, candidate_slot=slot)]


@pytest.mark.parametrize(
    ("choice", "strength", "candidate_slot", "signed"),
    [("A", 2, "A", 2), ("A", 2, "B", -2), ("B", 1, "B", 1), ("tie", 0, "A", 0), ("A", None, "A", None)],
)
def test_strength_is_positive_for_the_candidate(choice, strength, candidate_slot, signed):
    assert signed_strength(choice, strength, candidate_slot=candidate_slot) == signed


@pytest.mark.django_db
def test_responses_stand_where_the_slot_plan_says():
    study = open_study(comparisons=1)
    for assignment in study.assignments.all():
        a, b = responses(assignment)

        texts = {assignment.candidate_slot: assignment.comparison.candidate.text}
        other = Slot(assignment.candidate_slot).other
        assert {a.slot: a.text, b.slot: b.text} == texts | {other: assignment.comparison.baseline.text}
