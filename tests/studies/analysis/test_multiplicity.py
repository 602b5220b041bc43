"""Holm's correction against R's p.adjust."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.multiplicity import holm

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
