"""Where the keys and values of the rows in flight lie: one slot per row, made once and used again.

Slots lie in segments of some neighbours each. A segment has the room that its longest row needs, so long
rows do not make short ones costly, and a step reads a segment's keys in one product. Rows alike in length
are brought together now and then (`generation.engine.placing`), and a segment without rows has no room.
Nothing is copied from step to step, and the heads of grouped-query attention are not repeated: the queries
of a group stand together as the rows of one product.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

SEGMENT = 16
"""How many slots lie together."""
_GRAIN = 32
"""Room grows by this many tokens at a time."""
_SPAN = 256
"""On a CPU, room for values is set aside for so many tokens at a time; it takes memory when it is written."""
_LANES = 16
"""Scores are reckoned for a multiple of so many tokens: what vectors add up together then stays the same."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring slots of one segment, read together: one new token each."""

    segment: int
    first: int
    """The first slot, counted within the segment."""
    size: int
    tokens: slice
    """Where the step's tokens for these slots stand; one each, in the order of the slots."""
    places: Tensor | None
    """Which of the slots have a token, of shape (n,); None when all have."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of a prompt that are read into one slot."""

    slot: int
    start: int
    """How many tokens the slot holds already."""
    tokens: slice


@dataclass(slots=True)
class Step:
    """What one forward reads: new tokens of many rows, and pieces of prompts."""

    stretches: Sequence[Stretch]
    chunks: Sequence[Chunk]
    positions: Tensor
    """Each token's place in its row, of shape (N,)."""
    ends: Sequence[int]
    """How many tokens the longest row of each stretch holds, the new one included."""
    masks: dict[tuple[int, int | None], list[Tensor]] = field(default_factory=dict)
    """Made when a layer first needs them, and used by all."""


class Slots:
    """Keys and values of R slots, in the place of a transformers cache."""

    def __init__(self, count: int, device: torch.device) -> None:
        self.count = count
        self._device = device
        self.sizes = [min(SEGMENT, count - first) for first in range(0, count, SEGMENT)]
        self._room = [0] * len(self.sizes)
        self._keys: dict[int, list[Tensor]] = {}  # by layer, a segment each: (S, H, D, room)
        self._values: dict[int, list[Tensor]] = {}  # (S, H, room, D)
        self._step: Step | None = None
        self._targets: list[tuple[Tensor, Tensor]] = []

    @property
    def total_room(self) -> int:
        """How many tokens all slots together have room for."""
        return sum(size * room for size, room in zip(self.sizes, self._room, strict=True))

    def room(self, segment: int) -> int:
        """Return how many tokens each of a segment's rows may have."""
        return self._room[segment]

    def reserve(self, segment: int, tokens: int) -> None:
        """Make room for rows of so many tokens in a segment."""
        before = self._room[segment]
        if tokens > before:
            self._room[segment] = rounded(tokens)
            kept = dict.fromkeys(range(self.sizes[segment]), before)
            for layer in self._keys:
                self._rebuild(layer, segment, kept)

    def rearrange(self, rows: Mapping[int, tuple[int, int]], tokens: Sequence[int]) -> None:
        """Move rows to other slots, and give back the room that is not wanted.

        Parameters
        ----------
        rows
            By slot, where its row lies until now and how many tokens that holds. What lies elsewhere may
            be lost.
        tokens
            How many tokens the rows of each segment may have; 0 where there are none.
        """
        moved = [(target, *place) for target, place in rows.items() if place[0] != target]
        kept: list[dict[int, int]] = [{} for _ in self.sizes]
        for target, (source, count) in rows.items():
            if source == target:
                kept[target // SEGMENT][target % SEGMENT] = count
        changed = [n for n, wanted in enumerate(tokens) if rounded(wanted) != self._room[n]]
        self._room = [rounded(wanted) for wanted in tokens]
        for layer in self._keys:
            # One layer after the other, so that never more than one of them is there twice.
            lifted = [self._lift(layer, source, count) for _, source, count in moved]
            for segment in changed:
                self._rebuild(layer, segment, kept[segment])
            for (target, _, count), (keys, values) in zip(moved, lifted, strict=True):
                segment, slot = divmod(target, SEGMENT)
                self._keys[layer][segment][slot, :, :, :count] = keys
                self._values[layer][segment][slot, :, :count] = values

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Copy the first tokens of one slot to another, which must have room."""
        (a, i), (b, j) = divmod(source, SEGMENT), divmod(target, SEGMENT)
        for keys, values in zip(self._keys.values(), self._values.values(), strict=True):
            keys[b][j, :, :, :tokens] = keys[a][i, :, :, :tokens]
            values[b][j, :, :tokens] = values[a][i, :, :tokens]

    def begin(self, step: Step) -> None:
        """Name the step whose forward comes next, and find once where its tokens go in every layer."""
        self._step = step
        self._targets = [self._places(stretch, step.positions) for stretch in step.stretches]

    # What transformers asks of a cache -----------------------------------------------------------------

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Rows have lengths of their own; positions are always given, so nobody relies on this."""
        del layer_idx
        return 0

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: object) -> tuple[Reader, Reader]:
        """Store the step's keys and values, of shape (1, H, N, D), and return who attends to all so far."""
        assert self._step is not None  # noqa: S101 - for the type checker; `begin` was called
        new_keys, new_values = keys[0].transpose(0, 1), values[0].transpose(0, 1)  # (N, H, D)
        if layer_idx not in self._keys:
            self._allocate(layer_idx, new_keys, new_values)
        key_store, value_store = self._keys[layer_idx], self._values[layer_idx]
        for stretch, (index, place) in zip(self._step.stretches, self._targets, strict=True):
            key_store[stretch.segment][index, :, :, place] = new_keys[stretch.tokens]
            value_store[stretch.segment][index, :, place] = new_values[stretch.tokens]
        for chunk in self._step.chunks:
            segment, slot = divmod(chunk.slot, SEGMENT)
            span = slice(chunk.start, chunk.start + chunk.tokens.stop - chunk.tokens.start)
            key_store[segment][slot, :, :, span] = new_keys[chunk.tokens].permute(1, 2, 0)
            value_store[segment][slot, :, span] = new_values[chunk.tokens].transpose(0, 1)
        reader = Reader(self._step, key_store, value_store)
        return reader, reader

    def _places(self, stretch: Stretch, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the slots of a stretch's tokens within their segment, and their places in the rows."""
        slots = stretch.places
        if slots is None:
            slots = torch.arange(stretch.size, device=self._device)
        return slots + stretch.first, positions[stretch.tokens]

    def _allocate(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Make a layer's room as soon as the shapes of its heads are known."""
        heads, depth = keys.shape[1:]
        self._keys[layer] = [
            _zeros((size, heads, depth, room), keys)
            for size, room in zip(self.sizes, self._room, strict=True)
        ]
        self._values[layer] = [
            _zeros((size, heads, _spanned(room, values), values.shape[-1]), values)
            for size, room in zip(self.sizes, self._room, strict=True)
        ]

    def _lift(self, layer: int, source: int, tokens: int) -> tuple[Tensor, Tensor]:
        """Return a copy of what a slot's first tokens have in a layer."""
        segment, slot = divmod(source, SEGMENT)
        keys = self._keys[layer][segment][slot, :, :, :tokens].clone()
        return keys, self._values[layer][segment][slot, :, :tokens].clone()

    def _rebuild(self, layer: int, segment: int, kept: Mapping[int, int]) -> None:
        """Give a segment its room anew; ``kept`` says how many tokens of which of its slots stay."""
        # New room is zeroed: what is not yet written is masked, and zero times a number is zero.
        keys, values, room = self._keys[layer][segment], self._values[layer][segment], self._room[segment]
        wider = _zeros((*keys.shape[:3], room), keys)
        for slot, tokens in kept.items():
            wider[slot, ..., :tokens] = keys[slot, ..., :tokens]
        self._keys[layer][segment] = wider
        if values.shape[2] < room or len(kept) < len(values) or keys.shape[-1] > room:
            longer = _zeros((*values.shape[:2], _spanned(room, values), values.shape[-1]), values)
            for slot, tokens in kept.items():
                longer[slot, :, :tokens] = values[slot, :, :tokens]
            self._values[layer][segment] = longer


class Reader:
    """One layer's keys and values, with all that the step wrote."""

    def __init__(self, step: Step, keys: list[Tensor], values: list[Tensor]) -> None:
        self._step = step
        self._keys = keys
        self._values = values

    def attend(self, query: Tensor, *, scale: float, window: int | None, softcap: float | None) -> Tensor:
        """Return the attention's output, of shape (1, N, H, D), for queries of shape (1, H, N, D)."""
        queries = query[0].transpose(0, 1)  # (N, H, D)
        groups = queries.shape[1] // self._keys[0].shape[1]
        outputs = queries.new_empty(*queries.shape[:2], self._values[0].shape[-1])  # (N, H, D)
        masks = self._masks(groups, window)
        begun, scaling = len(self._step.stretches), (scale, softcap)
        for stretch, mask in zip(self._step.stretches, masks[:begun], strict=True):
            outputs[stretch.tokens] = self._read_stretch(stretch, queries[stretch.tokens], mask, scaling)
        for chunk, mask in zip(self._step.chunks, masks[begun:], strict=True):
            outputs[chunk.tokens] = self._read_chunk(chunk, queries[chunk.tokens], mask, scaling)
        return outputs[None]

    def _read_stretch(
        self, stretch: Stretch, queries: Tensor, mask: Tensor, scaling: tuple[float, float | None]
    ) -> Tensor:
        """Attend from one new token in each of some neighbouring slots."""
        if stretch.places is not None:
            spread = queries.new_zeros(stretch.size, *queries.shape[1:])
            spread[stretch.places] = queries
            queries = spread
        rows = slice(stretch.first, stretch.first + stretch.size)
        end = mask.shape[-1]
        keys = self._keys[stretch.segment][rows, :, :, :end]  # (S, H', D, T)
        values = self._values[stretch.segment][rows, :, :end]  # (S, H', T, D)
        size, heads = keys.shape[:2]
        grouped = queries.reshape(size * heads, -1, queries.shape[-1])  # (S H', G, D)
        read = _attention(grouped, keys.flatten(0, 1), values.flatten(0, 1), mask, *scaling)
        outputs = read.reshape(size, -1, read.shape[-1])  # (S, H, D)
        return outputs if stretch.places is None else outputs[stretch.places]

    def _read_chunk(
        self, chunk: Chunk, queries: Tensor, mask: Tensor, scaling: tuple[float, float | None]
    ) -> Tensor:
        """Attend from some tokens of one prompt."""
        segment, slot = divmod(chunk.slot, SEGMENT)
        end = mask.shape[-1]
        keys, values = self._keys[segment][slot, :, :, :end], self._values[segment][slot, :, :end]
        queries, whole = _filled(queries), len(queries)
        count, heads = len(queries), len(keys)
        grouped = queries.reshape(count, heads, -1, queries.shape[-1]).transpose(0, 1)  # (H', L, G, D)
        read = _attention(grouped.reshape(heads, -1, queries.shape[-1]), keys, values, mask, *scaling)
        return (
            read.reshape(heads, count, -1, read.shape[-1]).transpose(0, 1).flatten(1, 2)[:whole]
        )  # (L, H, D)

    def _masks(self, groups: int, window: int | None) -> list[Tensor]:
        """Return what is added to the scores of each piece: minus infinity for what a token may not see."""
        masks = self._step.masks
        if (groups, window) not in masks:
            masks[groups, window] = [
                *(self._stretch_mask(n, groups, window) for n in range(len(self._step.stretches))),
                *(self._chunk_mask(chunk, groups, window) for chunk in self._step.chunks),
            ]
        return masks[groups, window]

    def _stretch_mask(self, number: int, groups: int, window: int | None) -> Tensor:
        """Return a mask of shape (S H', G, T). An empty slot sees one token, so that it stays a number."""
        stretch, keys = self._step.stretches[number], self._keys[self._step.stretches[number].segment]
        positions = self._step.positions[stretch.tokens]
        if stretch.places is not None:
            spread = positions.new_zeros(stretch.size)
            spread[stretch.places] = positions
            positions = spread
        mask = _causal(positions, self._step.ends[number], keys.shape[-1], window)[
            :, None, None
        ]  # (S, 1, 1, T)
        return mask.expand(-1, keys.shape[1], groups, -1).flatten(0, 1).to(keys.dtype)

    def _chunk_mask(self, chunk: Chunk, groups: int, window: int | None) -> Tensor:
        """Return a mask of shape (1, L G, T)."""
        positions = self._step.positions[chunk.tokens]
        keys = self._keys[chunk.slot // SEGMENT]
        end = chunk.start + len(positions)
        mask = _filled(_causal(positions, end, keys.shape[-1], window))  # (L, T)
        return mask.repeat_interleave(groups, dim=0)[None].to(keys.dtype)


def rounded(tokens: int) -> int:
    """Return how much room is made for rows of so many tokens."""
    return -(-tokens // _GRAIN) * _GRAIN


def _spanned(room: int, like: Tensor) -> int:
    """Return how many tokens are set aside where rows are to have some room."""
    return -(-room // _SPAN) * _SPAN if like.device.type == "cpu" else room


def _causal(positions: Tensor, end: int, room: int, window: int | None) -> Tensor:
    """Return 0 where a token at a position sees another, else minus infinity; of shape (L, T), T >= end."""
    width = min(room, -(-end // _LANES) * _LANES)
    columns = torch.arange(width, device=positions.device)
    seen = columns <= positions[:, None]  # (L, T)
    if window is not None:
        seen &= columns > positions[:, None] - window
    return torch.zeros(seen.shape, device=positions.device).masked_fill_(~seen, -torch.inf)


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Return zeros. On a CPU they are pages of their own, given back at once when the room is made anew.

    The allocator would keep outgrown room for tensors of the same size, which do not come again. Private
    pages take memory only once they are written.
    """
    count = math.prod(shape)
    if like.device.type != "cpu" or not count:
        return like.new_zeros(shape)
    pages = mmap.mmap(-1, count * like.element_size(), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        pages.madvise(mmap.MADV_NOHUGEPAGE)  # Huge pages would be written whole.
    return torch.frombuffer(pages, dtype=like.dtype).view(shape)


def _filled(rows: Tensor) -> Tensor:
    """Add rows of zeros where there are few: products of few rows add up in another order than of many."""
    missing = _LANES - len(rows)
    return rows if missing <= 0 else torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])


def _attention(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scale: float, softcap: float | None
) -> Tensor:
    """Attend: queries (B, M, D), keys (B, D, T), values (B, T, D), mask (B, M, T) or (1, M, T)."""
    if softcap is None:
        scores = torch.baddbmm(mask.expand(len(queries), -1, -1), queries, keys, alpha=scale)  # (B, M, T)
    else:
        scores = (torch.bmm(queries, keys) * (scale / softcap)).tanh_() * softcap + mask
    shares = torch.softmax(scores, -1, dtype=torch.float32).to(values.dtype)
    return torch.bmm(shares, values)  # (B, M, D)
