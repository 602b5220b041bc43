"""The test that keeps ties, against an enumeration in R."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.naive import sign_test, trinomial_test


# D03: enumeration in R of the test of Bian, McAleer & Wong (2011).
@pytest.mark.parametrize(
    ("wins", "ties", "losses", "p_value"),
    [(60, 14, 15, 1.483066181e-07), (10, 7, 3, 0.07028270804), (43, 31, 41, 0.8701590315)],
)
def test_published_cases(wins, ties, losses, p_value):
    assert trinomial_test(wins, ties, losses) == pytest.approx(p_value, abs=1e-8)


@given(st.integers(0, 60), st.integers(0, 60))
def test_without_ties_it_is_the_sign_test(wins, losses):
    assert trinomial_test(wins, 0, losses) == pytest.approx(sign_test(wins, losses))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_swapping_the_arms_changes_nothing(wins, ties, losses):
    assert trinomial_test(wins, ties, losses) == trinomial_test(losses, ties, wins)


@pytest.mark.parametrize("ties", [0, 9])
def test_no_decided_judgment_cannot_reject(ties):
    assert trinomial_test(0, ties, 0) == 1.0
