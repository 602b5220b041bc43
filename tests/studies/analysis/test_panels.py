"""Parts of the judgments by slot and by length, for the pictures."""

import numpy as np

from studies.analysis.panels import panels
from studies.analysis.records import SLOT_UNKNOWN
from tests.studies.analysis.kit import make_records


def test_each_slot_has_its_own_win_rate():
    records = make_records([3, 3, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0], slot=[1, 1, 0, 0])

    found = panels(records, None, alpha=0.05)

    assert [(point.at, point.n, point.win_rate) for point in found.slots] == [(1.0, 2, 1.0), (0.0, 2, 0.0)]
    assert found.lengths == ()


def test_lengths_are_cut_into_parts_of_equal_size():
    rng = np.random.default_rng(2)
    n = 500
    longer = rng.permutation(np.arange(n)) - 250.0
    records = make_records(np.where(longer > 0, 3, 0), rng.integers(20, size=n), rng.integers(20, size=n))

    found = panels(records, (longer + 400, np.full(n, 400.0)), alpha=0.05).lengths

    assert [point.n for point in found] == [100] * 5
    assert [point.at for point in found] == [-200.5, -100.5, -0.5, 99.5, 199.5]
    assert [point.win_rate for point in found] == [0.0, 0.0, 0.49, 1.0, 1.0]


def test_what_the_file_does_not_say_is_not_drawn():
    unknown = make_records([3, 0], [0, 1], [0, 1], slot=[SLOT_UNKNOWN] * 2)
    gap = (np.array([np.nan, 3.0]), np.array([1.0, 2.0]))

    assert panels(unknown, gap, alpha=0.05) == panels(make_records([], [], []), None, alpha=0.05)


def test_texts_of_one_length_are_one_part():
    same = (np.full(4, 9.0), np.full(4, 9.0))

    found = panels(make_records([3, 0, 3, 0], [0, 1, 0, 1], [0, 0, 1, 1]), same, alpha=0.05).lengths

    assert [(point.at, point.n) for point in found] == [(0.0, 4)]
