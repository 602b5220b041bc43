"""Corrections for several tests, against R's p.adjust."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.multiplicity import benjamini_hochberg, fixed_sequence, holm

# D04: Benjamini & Hochberg (1995), 15 tests; R p.adjust(method = "holm").
P_VALUES = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0),
]
HOLM = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278, 0.3213, 1, 1, 1, 1, 1, 1]


def test_published_family():
    assert holm(P_VALUES) == pytest.approx(HOLM, abs=1e-9)


def test_order_does_not_matter():
    assert holm(P_VALUES[::-1]) == pytest.approx(HOLM[::-1], abs=1e-9)


def test_a_test_that_was_planned_but_impossible_counts():
    assert holm([0.02, None]) == [0.04, None]


def test_an_empty_family_is_empty():
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusting_never_helps(p_values):
    assert all(p <= adjusted <= 1 for p, adjusted in zip(p_values, holm(p_values), strict=True))


# D04: R p.adjust(method = "BH"); the paper rejects four at .05, Holm three.
BH = [
    *(0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.063857143, 0.063857143, 0.0645),
    *(0.0765, 0.486, 0.581181818, 0.714875, 0.753230769, 0.813214286, 1.0),
]


def test_published_screen():
    adjusted = benjamini_hochberg(P_VALUES)

    assert adjusted == pytest.approx(BH, abs=1e-9)
    assert sum(p < 0.05 for p in adjusted) == 4
    assert sum(p < 0.05 for p in holm(P_VALUES)) == 3


def test_the_order_of_a_screen_does_not_matter():
    assert benjamini_hochberg(P_VALUES[::-1]) == pytest.approx(BH[::-1], abs=1e-9)


def test_rounding_does_not_lower_the_largest_p_value():
    # 0.9673912847413664 * 3 / 3 is one digit less in double precision.
    assert benjamini_hochberg([0.0, 0.0, 0.9673912847413664])[2] == 0.9673912847413664


def test_an_impossible_test_counts_in_a_screen():
    assert benjamini_hochberg([0.02, None]) == [0.04, None]
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_screen_is_never_stricter_than_holm(p_values):
    pairs = zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True)
    assert all(p <= screened <= strict + 1e-12 for p, screened, strict in pairs)


def test_a_fixed_sequence_stops_at_the_first_that_fails():
    adjusted = fixed_sequence([0.01, 0.2, 0.001])

    assert adjusted == [0.01, 0.2, 0.2]
    assert fixed_sequence([0.01, None, 0.001]) == [0.01, None, None]
    assert fixed_sequence([]) == []
