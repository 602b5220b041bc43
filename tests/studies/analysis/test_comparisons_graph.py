"""Groups of arms that cannot be compared, against a search by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.comparisons_graph import components, require_connected
from studies.analysis.refusal import RefusalError


@given(wins=st.integers(2, 6).flatmap(lambda k: st.lists(st.booleans(), min_size=k * k, max_size=k * k)))
def test_strong_groups_are_those_that_reach_each_other(wins):
    # Oracle: Warshall's closure.
    arms = int(len(wins) ** 0.5)
    matrix = np.array(wins, dtype=float).reshape(arms, arms)
    reach = (matrix > 0) | np.eye(arms, dtype=bool)
    for via, one, other in product(range(arms), repeat=3):
        reach[one, other] |= reach[one, via] and reach[via, other]

    expected = {tuple(np.flatnonzero(reach[arm] & reach[:, arm]).tolist()) for arm in range(arms)}

    assert components(matrix, strong=True) == sorted(map(list, expected))


def test_many_groups_are_counted_and_the_first_named():
    with pytest.raises(RefusalError) as refused:
        require_connected(np.zeros((9, 9)), "abcdefghi")

    assert refused.value.reason == (
        "The arms fall into 9 groups that were never compared: {a}, {b}, {c}, {d}, {e}, {f}, and 3 more."
    )


def test_a_circle_is_connected():
    circle = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])

    require_connected(circle, "abc")

    assert components(circle, strong=True) == [[0, 1, 2]]
