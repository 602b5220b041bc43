"""Which pairs of arms meet on which prompt."""

from collections import Counter
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.domain.designs import pairs_per_prompt, planned_pairs, tournament


@given(arms=st.integers(2, 20))
def test_a_tournament_has_every_pair_once_and_every_arm_once_a_round(arms):
    rounds = tournament(arms)

    met = [tuple(sorted(pair)) for pair in chain.from_iterable(rounds)]
    assert sorted(met) == sorted(combinations(range(arms), 2))
    for matches in rounds:
        assert max(Counter(chain.from_iterable(matches)).values()) == 1


@given(arms=st.integers(2, 8), units=st.integers(0, 60), seed=st.integers(0, 2**32), data=st.data())
def test_a_balanced_design_is_balanced_within_one_and_keeps_the_roles(arms, units, seed, data):
    baseline = data.draw(st.integers(0, arms - 1))

    plan = planned_pairs("balanced", arms=arms, baseline=baseline, units=units, seed=seed)

    times = Counter(chain.from_iterable(plan))
    assert len(plan) == units
    assert {len(pairs) for pairs in plan} <= {pairs_per_prompt(arms, "balanced")}
    for candidate, against in times:
        assert candidate != baseline
        assert against == baseline or candidate > against
    everyone = [times[_roled(pair, baseline)] for pair in combinations(range(arms), 2)]
    assert max(everyone) - min(everyone) <= 1


def _roled(pair, baseline):
    one, two = pair
    return (one, two) if two == baseline else (two, one)


def test_a_balanced_design_follows_from_the_seed():
    plans = [planned_pairs("balanced", arms=5, baseline=0, units=20, seed=seed) for seed in (3, 3, 4)]

    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


@pytest.mark.parametrize(
    ("design", "pairs"), [("baseline", 4), ("all_pairs", 10), ("balanced", 2), ("drawn", 1)]
)
def test_the_number_of_pairs_is_known_before_they_are_made(design, pairs):
    plan = planned_pairs(design, arms=5, baseline=1, units=5, seed=1)

    assert pairs_per_prompt(5, design) == pairs
    assert [len(each) for each in plan] == [pairs] * 5


@given(arms=st.integers(2, 10), units=st.integers(0, 80), seed=st.integers(0, 2**32), data=st.data())
def test_a_drawn_design_gives_each_unit_one_candidate_balanced_in_every_block(arms, units, seed, data):
    baseline = data.draw(st.integers(0, arms - 1))

    plan = planned_pairs("drawn", arms=arms, baseline=baseline, units=units, seed=seed)

    assert [len(pairs) for pairs in plan] == [1] * units
    drawn = [candidate for ((candidate, against),) in plan if against == baseline]
    assert len(drawn) == units
    others = set(range(arms)) - {baseline}
    for first in range(0, units - len(others) + 1, len(others)):
        assert set(drawn[first : first + len(others)]) == others
    times = Counter(drawn)
    assert max(times[arm] for arm in others) - min(times[arm] for arm in others) <= 1


def test_a_drawn_design_follows_from_the_seed_and_is_no_fixed_order():
    plans = [planned_pairs("drawn", arms=9, baseline=0, units=80, seed=seed) for seed in (3, 3, 4)]

    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert (
        len({tuple(candidate for ((candidate, _),) in plans[0][at : at + 8]) for at in range(0, 80, 8)}) > 5
    )
