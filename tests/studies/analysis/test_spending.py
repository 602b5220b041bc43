"""Boundaries against the tables of Jennison & Turnbull and ldbounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.refusal import RefusalError
from studies.analysis.spending import HIGHEST, boundaries, obrien_fleming, pocock, shaped_boundaries

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


def spending_boundaries(looks, spending):
    return boundaries(looks, [spending(fraction, 0.05) for fraction in looks])


# D23: Jennison & Turnbull (2000), tables 2.1 and 2.3.
@pytest.mark.parametrize(
    ("looks", "pocock_constant", "obrien_fleming_final"),
    [(2, 2.17827, 1.97743), (3, 2.28948, 2.00404), (4, 2.3613, 2.0243), (5, 2.41318, 2.04007)],
)
def test_published_classical_boundaries(looks, pocock_constant, obrien_fleming_final):
    assert shaped_boundaries(looks, power=0.5) == pytest.approx([pocock_constant] * looks, abs=2e-4)
    assert shaped_boundaries(looks)[-1] == pytest.approx(obrien_fleming_final, abs=2e-4)


# D23: ldbounds in R.
@pytest.mark.parametrize(
    ("looks", "spending", "expected"),
    [
        (FIVE, obrien_fleming, [4.876884949, 3.356946291, 2.68025843, 2.289788675, 2.030998253]),
        (FIVE, pocock, [2.437976688, 2.426773493, 2.410139876, 2.396580003, 2.38590632]),
        ([0.2, 0.5, 0.7, 1.0], obrien_fleming, [4.876884949, 2.962649077, 2.462253708, 2.001759253]),
    ],
)
def test_published_spending_boundaries(looks, spending, expected):
    assert spending_boundaries(looks, spending) == pytest.approx(expected, abs=2e-4)


def test_the_unit_of_information_is_irrelevant():
    spent = [obrien_fleming(fraction, 0.05) for fraction in FIVE]

    assert boundaries([700 * t for t in FIVE], spent) == pytest.approx(boundaries(FIVE, spent), abs=1e-8)


def test_one_look_is_the_plain_test():
    assert boundaries([3.0], [0.05]) == pytest.approx([1.959964], abs=1e-6)


def test_a_look_that_spends_nothing_cannot_reject():
    assert boundaries([0.01, 1.0], [obrien_fleming(0.01, 0.05), 0.05])[0] == HIGHEST
    assert boundaries([], []) == []


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(2, 20), min_size=1, max_size=6))
def test_the_error_of_paths_is_what_was_spent(steps):
    looks = np.cumsum(steps) / sum(steps)
    spent = [obrien_fleming(fraction, 0.05) for fraction in looks]

    bounds = boundaries(looks.tolist(), spent)

    # Oracle: random walks themselves.
    rng = np.random.default_rng(1)
    scores = np.cumsum(rng.normal(0, np.sqrt(np.diff(looks, prepend=0)), (20_000, len(looks))), axis=1)
    crossed = np.any(np.abs(scores) >= np.array(bounds) * np.sqrt(looks), axis=1)
    assert crossed.mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("information", [[0.5, 0.5], [1.0, 0.5], [0.0, 1.0], [float("nan")]])
def test_information_that_does_not_grow_is_refused(information):
    with pytest.raises(RefusalError, match="add information"):
        boundaries(information, [0.01] * len(information))
