"""Rank sets by hand, their order, and how often they hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.covariance import Covariances
from studies.analysis.rank_sets import rank_sets


def of(strengths, variance=0.01, df=30):
    matrix = np.eye(len(strengths)) * variance
    covariances = Covariances(matrix, matrix, matrix, matrix, df)
    return rank_sets(
        np.asarray(strengths, dtype=float),
        covariances,
        alpha=0.05,
        rng=np.random.default_rng(1),
        draws=4000,
    )


def test_ranks_count_who_is_better_and_who_is_worse():
    # By hand: a difference has se .1414; 2.0 stands apart, 0.1 and 0.0 do not differ, -3.0 is last.
    found = of([0.1, 2.0, -3.0, 0.0])

    assert found.low == (2, 1, 4, 2)
    assert found.high == (3, 1, 4, 3)


def test_equal_arms_can_have_every_rank():
    found = of([0.0, 0.0, 0.0])

    assert (found.low, found.high) == ((1, 1, 1), (3, 3, 3))


def test_the_critical_value_for_all_pairs_is_tukeys():
    # Oracle: studentised range, 5 means, infinitely many degrees: 3.858 / sqrt(2); R qtukey(.95, 5, Inf).
    found = of(np.arange(5), df=10**6)

    assert found.critical == pytest.approx(3.858 / 2**0.5, abs=0.06)


@given(strengths=st.lists(st.floats(-2, 2), min_size=2, max_size=8))
@settings(deadline=None, max_examples=40)
def test_simultaneous_sets_contain_those_one_by_one(strengths):
    found = of(strengths)

    for low, high, low_each, high_each in zip(
        found.low, found.high, found.low_each, found.high_each, strict=True
    ):
        assert 1 <= low <= low_each <= high_each <= high <= len(strengths)


@given(strengths=st.lists(st.floats(-2, 2), min_size=2, max_size=8))
@settings(deadline=None, max_examples=40)
def test_mirrored_strengths_have_mirrored_ranks(strengths):
    one, other = of(strengths), of([-strength for strength in strengths])

    arms = len(strengths)
    assert other.low == tuple(arms + 1 - high for high in one.high)


def test_too_few_clusters_have_no_ranks():
    assert of([0.0, 1.0], df=0) is None
