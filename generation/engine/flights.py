"""One completion on its way, and the rows that it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from generation.engine import noise
from generation.engine.prompts import Rows
from generation.spec import CompletionRequest, DecodingSpec, FinishReason

_BLOCK = 128


@dataclass(eq=False, slots=True)
class Flight:
    """One completion on its way."""

    request: CompletionRequest
    rows: Rows
    started: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(default_factory=list)
    finish: FinishReason | None = None
    fault: str = ""
    text_end: int | None = None
    """Where a stop string begins in the text, once one has been written."""
    _words: list[tuple[int, int]] = field(default_factory=list)

    @property
    def spec(self) -> DecodingSpec:
        """How it is decoded."""
        return self.request.spec

    @property
    def size(self) -> int:
        """How many rows it takes."""
        return 2 if self.rows.unconditional_ids else 1

    @property
    def guided_now(self) -> bool:
        """Whether its next token needs the unconditional row."""
        return self.size > 1 and (not self.spec.guided_tokens or len(self.tokens) < self.spec.guided_tokens)

    @property
    def contexts(self) -> list[tuple[int, ...]]:
        """What each of its rows has read or reads next, the tokens written so far included."""
        prompts = [self.rows.conditional_ids]
        if self.guided_now:
            prompts.append(self.rows.unconditional_ids)
        return [(*prompt, *self.tokens) for prompt in prompts]

    @property
    def longest(self) -> int:
        """The tokens in its longest row."""
        return max(len(self.rows.conditional_ids), len(self.rows.unconditional_ids)) + len(self.tokens)

    @property
    def tokens_read(self) -> int:
        """How many tokens its rows have read in all; the last one written is not read."""
        written = len(self.tokens) - 1
        conditional = len(self.rows.conditional_ids) + written
        if self.size == 1:
            return conditional
        guided = min(written, self.spec.guided_tokens - 1) if self.spec.guided_tokens else written
        return conditional + len(self.rows.unconditional_ids) + guided

    @property
    def over(self) -> bool:
        """Whether it needs no further step."""
        return self.finish is not None or bool(self.fault)

    def words(self, position: int) -> tuple[int, int]:
        """Return the key words of the draw at a position; hashed a block ahead."""
        while len(self._words) <= position:
            begun = len(self._words)
            self._words.extend(noise.words(self.request.noise, begun + n) for n in range(_BLOCK))
        return self._words[position]

    def words_from(self, position: int, count: int) -> np.ndarray:
        """Return the key words of ``count`` draws, of shape (count, 2)."""
        self.words(position + count - 1)
        return np.array(self._words[position : position + count], dtype=np.int64)


@dataclass(eq=False, slots=True)
class Row:
    """One context of a flight, in a slot."""

    flight: Flight
    ids: tuple[int, ...]
    slot: int
    read: int = 0
    """How many of its tokens have been read."""
    begun: int = field(init=False)
    """How many tokens its flight had when it joined."""

    def __post_init__(self) -> None:
        """Remember how far the flight was."""
        self.begun = len(self.flight.tokens)

    @property
    def ready(self) -> bool:
        """Whether only its last token is unread: what follows it can be chosen next."""
        return self.read == len(self.ids) - 1


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two contexts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
