"""What slots hold when rows move, and that memory which is not wanted goes back."""

import psutil
import pytest
import torch

from generation.engine.slots import SEGMENT, Chunk, Slots, Step, rounded

HEADS, DEPTH, LAYERS = 2, 64, 2
MEGABYTE = 2**20


def filled(count: int, lengths: dict[int, int]) -> tuple[Slots, dict[int, torch.Tensor]]:
    """Slots with rows of some lengths, and what was written for each: of shape (layers, 2, H, T, D)."""
    slots, written = Slots(count, torch.device("cpu")), {}
    for slot, length in lengths.items():
        slots.reserve(slot // SEGMENT, length)
        written[slot] = torch.randn(LAYERS, 2, HEADS, length, DEPTH)
        slots.begin(Step([], [Chunk(slot, 0, slice(0, length))], torch.arange(length), []))
        for layer in range(LAYERS):
            keys, values = written[slot][layer]
            slots.update(keys[None], values[None], layer)
    return slots, written


def held(slots: Slots, slot: int, length: int) -> torch.Tensor:
    segment, place = divmod(slot, SEGMENT)
    layers = [
        torch.stack(
            [
                slots._keys[layer][segment][place, :, :, :length].transpose(1, 2),
                slots._values[layer][segment][place, :, :length],
            ]
        )
        for layer in range(LAYERS)
    ]
    return torch.stack(layers)


def resident() -> float:
    return psutil.Process().memory_info().rss / MEGABYTE


def test_moved_rows_hold_what_they_held_though_they_change_places() -> None:
    last = SEGMENT + 2
    slots, written = filled(SEGMENT + 4, {0: 40, 1: 7, SEGMENT: 90, last: 33})

    # Two change places, one goes where another lay, one stays.
    slots.rearrange({0: (SEGMENT, 90), SEGMENT: (0, 40), 1: (last, 33), 5: (1, 7)}, [91, 41])

    found = {0: SEGMENT, SEGMENT: 0, 1: last, 5: 1}
    lengths = {0: 90, SEGMENT: 40, 1: 33, 5: 7}
    assert all(torch.equal(held(slots, slot, lengths[slot]), written[was]) for slot, was in found.items())


def test_growing_keeps_what_all_rows_hold_beyond_what_was_set_aside() -> None:
    slots, written = filled(SEGMENT, {0: 20, 3: 30})

    for tokens in (31, 64, 65, 400):
        slots.reserve(0, tokens)

        assert slots.room(0) == rounded(tokens)
        assert torch.equal(held(slots, 0, 20), written[0])
        assert torch.equal(held(slots, 3, 30), written[3])


def test_a_segment_without_rows_has_no_room_and_gets_it_again() -> None:
    slots, written = filled(2 * SEGMENT, {0: 60, SEGMENT: 50})

    slots.rearrange({1: (SEGMENT, 50), 0: (0, 60)}, [61, 0])

    assert (slots.room(1), slots.total_room) == (0, SEGMENT * 64)
    slots.reserve(1, 10)
    assert not held(slots, SEGMENT, 10).any()
    assert torch.equal(held(slots, 1, 50), written[SEGMENT])


@pytest.mark.skipif(not psutil.LINUX, reason="pages are counted on Linux")
def test_room_takes_memory_when_it_is_written_and_gives_it_back_at_once() -> None:
    slots, tokens = Slots(2 * SEGMENT, torch.device("cpu")), torch.ones(1, HEADS, 2000, DEPTH)
    before = resident()
    for slot in range(2 * SEGMENT):
        slots.reserve(slot // SEGMENT, 2000)
        slots.begin(Step([], [Chunk(slot, 0, slice(0, 2000))], torch.arange(2000), []))
        for layer in range(LAYERS):
            slots.update(tokens, tokens, layer)
    bytes_per_token = LAYERS * 2 * HEADS * DEPTH * 4
    full = 2 * SEGMENT * 2000 * bytes_per_token / MEGABYTE

    assert resident() - before > 0.9 * full
    slots.rearrange({0: (0, 1000)}, [1001, 0])

    # One row of 32 is left: its values, and keys as wide for each row of its segment.
    least = (1 + SEGMENT) * 1000 * bytes_per_token / 2 / MEGABYTE
    assert full > 120
    assert resident() - before < 1.2 * least + 8
