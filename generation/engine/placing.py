"""Which rows lie together: rows alike in length, so that no long row keeps room beside short ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.engine.slots import SEGMENT, rounded


def together(lengths: Mapping[int, int], sizes: Sequence[int]) -> dict[int, int]:
    """Return where rows lie once the longest are together, then the next ones, and so on.

    Parameters
    ----------
    lengths
        How many tokens the row of each slot has.
    sizes
        How many slots each segment has.

    Returns
    -------
    dict
        By a row's slot, its new one. Segments keep their rank, and rows that stay in theirs keep their slot.
    """
    ranked = sorted(range(len(sizes)), key=lambda segment: -max(_within(lengths, segment), default=0))
    rows = sorted(lengths, key=lambda slot: -lengths[slot])
    places: dict[int, int] = {}
    for segment in ranked:
        chosen, rows = rows[: sizes[segment]], rows[sizes[segment] :]
        staying = {slot for slot in chosen if slot // SEGMENT == segment}
        first = segment * SEGMENT
        open_ = (slot for slot in range(first, first + sizes[segment]) if slot not in staying)
        places |= {slot: slot if slot in staying else next(open_) for slot in chosen}
    return places


def longest(lengths: Mapping[int, int], count: int) -> list[int]:
    """Return the tokens of the longest row in each of so many segments; 0 where there is none."""
    return [max(_within(lengths, segment), default=0) for segment in range(count)]


def room_for(tokens: Sequence[int], sizes: Sequence[int]) -> int:
    """Return how much room segments need in all whose longest rows have so many tokens."""
    return sum(size * rounded(count) for size, count in zip(sizes, tokens, strict=True))


def _within(lengths: Mapping[int, int], segment: int) -> list[int]:
    return [count for slot, count in lengths.items() if slot // SEGMENT == segment]
