from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from generation.engine.placing import longest, room_for, together
from generation.engine.slots import SEGMENT

SIZES = [SEGMENT, SEGMENT, 5]
ROWS = st.dictionaries(st.integers(0, 2 * SEGMENT + 4), st.integers(1, 300))


@given(lengths=ROWS)
def test_every_row_gets_one_slot_of_its_own(lengths: dict[int, int]) -> None:
    places = together(lengths, SIZES)

    assert places.keys() == lengths.keys()
    assert len(set(places.values())) == len(places)
    assert all(0 <= slot < sum(SIZES) for slot in places.values())


@given(lengths=ROWS)
def test_no_segment_holds_rows_both_longer_and_shorter_than_those_of_another(lengths: dict[int, int]) -> None:
    places = together(lengths, SIZES)

    segments: dict[int, list[int]] = {}
    for slot, place in places.items():
        segments.setdefault(place // SEGMENT, []).append(lengths[slot])
    ranges = sorted((max(held), min(held)) for held in segments.values())
    assert all(lower[0] <= upper[1] for lower, upper in pairwise(ranges))


@given(lengths=ROWS)
def test_rows_that_lie_well_stay_where_they_are(lengths: dict[int, int]) -> None:
    places = together(lengths, SIZES)
    settled = {places[slot]: length for slot, length in lengths.items()}

    again = together(settled, SIZES)

    tokens = longest(settled, len(SIZES))
    assert longest({again[slot]: length for slot, length in settled.items()}, len(SIZES)) == tokens
    assert sum(again[slot] != slot for slot in settled) <= settled_ties(settled)


def settled_ties(lengths: dict[int, int]) -> int:
    """Rows as long as another may change places with it."""
    return sum(list(lengths.values()).count(length) > 1 for length in lengths.values())


def test_short_rows_leave_a_long_ones_segment_and_empty_segments_have_no_room() -> None:
    # Long rows at the ends of two segments, short ones between them.
    lengths = {0: 200, SEGMENT - 1: 10, SEGMENT: 190, 2 * SEGMENT - 1: 12}

    places = together(lengths, SIZES)

    tokens = longest({places[slot]: length for slot, length in lengths.items()}, len(SIZES))
    assert tokens == [200, 0, 0]
    assert places[0] == 0
    assert room_for(tokens, SIZES) == SEGMENT * 224
