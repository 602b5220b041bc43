"""The rows in flight: one forward per step for all of them, whatever their arms.

A completion has a conditional row and, when it is guided, an unconditional row. All rows lie in one
batch, padded on the left; a row's positions count its own tokens only, so that padding changes nothing.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from generation.engine import noise
from generation.engine.checkpoint import Loaded
from generation.engine.guidance import guide, plausible
from generation.engine.prompts import Rows
from generation.engine.sampling import Settings, truncate
from generation.spec import CompletionRequest, FinishReason

_PIECE = {"cpu": 1024}
_PIECE_OTHERWISE = 16_384
"""Prompts are read in pieces of about this many tokens, so that memory and silence stay bounded."""


@dataclass(eq=False, slots=True)
class Flight:
    """One completion on its way."""

    request: CompletionRequest
    rows: Rows
    started: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(default_factory=list)
    finish: FinishReason | None = None
    fault: str = ""

    @property
    def size(self) -> int:
        """How many rows it takes."""
        return 2 if self.rows.unconditional_ids else 1

    @property
    def contexts(self) -> list[tuple[int, ...]]:
        """What each of its rows has read, the tokens written so far included."""
        prompts = [self.rows.conditional_ids, self.rows.unconditional_ids][: self.size]
        return [(*prompt, *self.tokens) for prompt in prompts]

    @property
    def over(self) -> bool:
        """Whether it needs no further step."""
        return self.finish is not None or bool(self.fault)


class Batch:
    """Flights that are decoded together. Made again, it goes on where the flights' tokens end."""

    def __init__(self, loaded: Loaded, flights: Sequence[Flight]) -> None:
        self.loaded = loaded
        self.flights = list(flights)
        self._accepted = set(inspect.signature(loaded.model.forward).parameters)
        self._arrange()

    @property
    def row_count(self) -> int:
        """How many rows are in flight."""
        return sum(flight.size for flight in self.flights)

    @torch.inference_mode()
    def read(self, pause: Callable[[], None]) -> None:
        """Read every context, each distinct one once, calling ``pause`` between pieces."""
        contexts = self._contexts()
        distinct = list(dict.fromkeys(contexts))
        longest = max(map(len, distinct))
        piece = max(1, _PIECE.get(self.loaded.device.type, _PIECE_OTHERWISE) // longest)
        caches, logits = [], []
        for first in range(0, len(distinct), piece):
            cache, last = self._read_piece(distinct[first : first + piece], longest)
            caches.append(cache)
            logits.append(last)
            pause()
        place = {context: index for index, context in enumerate(distinct)}
        index = torch.tensor([place[context] for context in contexts], device=self.loaded.device)
        self._cache = _joined(caches, index)
        self._logits = torch.cat(logits)[index]
        self._lengths = torch.tensor([len(context) for context in contexts], device=self.loaded.device)
        columns = torch.arange(longest, device=self.loaded.device)
        self._mask = (columns >= longest - self._lengths[:, None]).long()

    @torch.inference_mode()
    def choose(self) -> None:
        """Choose the next token of each flight from the logits at hand, and see which flights are over."""
        count = len(self.flights)
        conditional = self._logits[:count]  # (B, V)
        unconditional = conditional.clone()  # (B, V)
        unconditional[self._guided] = self._logits[count:]
        scores = guide(conditional, unconditional, scale=self._settings.guidance_scale)  # (B, V)
        scores = plausible(scores, conditional, share=self._settings.plausibility)
        best = scores.amax(-1)  # (B,), not a number where any score is none
        chosen = scores.argmax(-1)  # (B,)
        if len(self._drawn):
            chosen[self._drawn] = self._draw(scores[self._drawn])
        pairs = zip(chosen.tolist(), best.isfinite().tolist(), strict=True)
        for flight, (token, sound) in zip(self.flights, pairs, strict=True):
            self._take(flight, token, sound=sound)

    @torch.inference_mode()
    def step(self) -> None:
        """Let flights that are over go, and read the newest token of the others: one forward."""
        self._keep([not flight.over for flight in self.flights])
        newest = [flight.tokens[-1] for flight in self._row_flights()]
        tokens = torch.tensor(newest, device=self.loaded.device)[:, None]  # (R, 1)
        self._mask = torch.cat([self._mask, torch.ones_like(tokens)], dim=-1)
        self._logits = self._forward(tokens, self._mask, self._lengths[:, None], self._cache)
        self._lengths = self._lengths + 1

    def _arrange(self) -> None:
        """Lay out rows: the conditional ones in order, then the unconditional ones of guided flights."""
        device = self.loaded.device
        specs = [flight.request.spec for flight in self.flights]
        guided = [index for index, flight in enumerate(self.flights) if flight.size > 1]
        drawn = [index for index, spec in enumerate(specs) if spec.temperature > 0]
        self._guided = torch.tensor(guided, dtype=torch.long, device=device)
        self._drawn = torch.tensor(drawn, dtype=torch.long, device=device)
        self._settings = Settings.of(specs, device)

    def _row_flights(self) -> list[Flight]:
        return self.flights + [flight for flight in self.flights if flight.size > 1]

    def _contexts(self) -> list[tuple[int, ...]]:
        conditional = [flight.contexts[0] for flight in self.flights]
        return conditional + [flight.contexts[1] for flight in self.flights if flight.size > 1]

    def _read_piece(self, contexts: list[tuple[int, ...]], width: int) -> tuple[Any, Tensor]:
        pad, device = self.loaded.pad_id, self.loaded.device
        padded = [[pad] * (width - len(context)) + list(context) for context in contexts]
        lengths = torch.tensor([len(context) for context in contexts], device=device)
        mask = (torch.arange(width, device=device) >= width - lengths[:, None]).long()  # (R, T)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)  # (R, T)
        cache = DynamicCache(config=self.loaded.model.config)
        return cache, self._forward(torch.tensor(padded, device=device), mask, positions, cache)

    def _forward(self, tokens: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
        """Return the logits of the last column, of shape (R, V)."""
        optional = {"position_ids": positions, "logits_to_keep": 1}
        output = self.loaded.model(
            input_ids=tokens,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **{name: value for name, value in optional.items() if name in self._accepted},
        )
        logits: Tensor = output.logits[:, -1, :]
        return logits

    def _draw(self, scores: Tensor) -> Tensor:
        flights = [self.flights[index] for index in self._drawn.tolist()]
        keys = [noise.words(flight.request.noise, len(flight.tokens)) for flight in flights]
        first, second = torch.tensor(keys, device=self.loaded.device).T
        return noise.draw(truncate(scores, self._settings.rows(self._drawn)), first, second)

    def _take(self, flight: Flight, token: int, *, sound: bool) -> None:
        """Add a token to a flight."""
        if not sound:
            flight.fault = "The checkpoint's logits are not finite numbers; its weights may be damaged."
            return
        flight.tokens.append(token)
        if token in self.loaded.eos_ids:
            flight.finish = FinishReason.STOP
            return
        full = max(map(len, flight.contexts)) >= self.loaded.context
        if full or len(flight.tokens) >= flight.request.spec.max_new_tokens:
            flight.finish = FinishReason.LENGTH

    def _keep(self, wanted: list[bool]) -> None:
        """Drop the rows of flights that are over, both rows of a guided one together."""
        if all(wanted):
            return
        staying = {id(flight) for flight, stays in zip(self.flights, wanted, strict=True) if stays}
        rows = [index for index, flight in enumerate(self._row_flights()) if id(flight) in staying]
        index = torch.tensor(rows, dtype=torch.long, device=self.loaded.device)
        self.flights = [flight for flight in self.flights if id(flight) in staying]
        self._cache.batch_select_indices(index)
        self._mask, self._lengths = self._mask[index], self._lengths[index]
        self._arrange()


def _joined(caches: list[Any], index: Tensor) -> Any:
    """Stack caches along their rows and pick rows from the stack."""
    whole = caches[0]
    for place, layer in enumerate(whole.layers):
        if len(caches) > 1:
            layer.keys = torch.cat([cache.layers[place].keys for cache in caches])
            layer.values = torch.cat([cache.layers[place].values for cache in caches])
    whole.batch_select_indices(index)
    return whole
