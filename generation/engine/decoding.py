"""The rows in flight: one forward per step for all of them, whatever their arms.

A completion has a conditional row and, while it is guided, an unconditional row. Each row has a slot of
its own; a step reads the newest token of every row and, beside that, pieces of the prompts of rows to come.
The step's tokens lie behind one another without padding.
"""

from __future__ import annotations

import heapq
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from generation.engine.attention import slot_attention
from generation.engine.checkpoint import Loaded
from generation.engine.flights import Flight, Row
from generation.engine.guidance import guide, plausible
from generation.engine.placing import longest, room_for, together
from generation.engine.reading import Reading
from generation.engine.sampling import Settings, sample
from generation.engine.slots import SEGMENT, Chunk, Slots, Step, Stretch
from generation.spec import FinishReason

_PIECE = {"cpu": 256}
_PIECE_OTHERWISE = 4096
"""How many tokens of prompts a step reads beside the decoding, so that neither starves."""
_AHEAD = 32
"""Key words are laid out for so many steps at a time."""
_WASTE = 1.1
"""Rows are brought together when the room is so many times what they would need then."""
_NEVER = 2**31 - 1


class Batch:
    """Flights that are decoded together; any may join whenever rows are free."""

    def __init__(self, loaded: Loaded, rows: int) -> None:
        self.loaded = loaded
        self._slots = Slots(rows, loaded.device)
        self._reading = Reading(self._slots)
        self._free = list(range(rows))
        self._rows: dict[Flight, list[Row]] = {}
        self._live: list[Flight] = []
        self._arranged = False
        self._log: list[Tensor] = []
        self._ends = torch.tensor(sorted(loaded.eos_ids), device=loaded.device)
        self._accepted = set(inspect.signature(loaded.model.forward).parameters)

    @property
    def free(self) -> int:
        """How many rows could join."""
        return len(self._free)

    @property
    def row_count(self) -> int:
        """How many rows are in flight."""
        return self._slots.count - len(self._free)

    @property
    def flights(self) -> list[Flight]:
        """All flights, with the tokens that they have so far."""
        self._flush()
        return list(self._rows)

    def progress(self) -> dict[int, int]:
        """Return how many tokens each completion has."""
        live = set(self._live)
        steps = len(self._log)
        return {
            flight.request.key: len(flight.tokens) + (steps if flight in live else 0) for flight in self._rows
        }

    def add(self, flights: Sequence[Flight]) -> None:
        """Let flights join; their rows must not be more than are free. Rows alike in length lie together."""
        self._flush()
        for flight in sorted(flights, key=lambda flight: flight.longest):
            rows = [Row(flight, ids, heapq.heappop(self._free)) for ids in flight.contexts]
            self._rows[flight] = rows
            for row in rows:
                self._make_room(row.slot // SEGMENT)
                self._reading.add(row)

    @torch.inference_mode()
    def step(self) -> list[Flight]:
        """Run one forward, and return the flights that are over; their rows are free again."""
        planned = self._reading.plan(_PIECE.get(self.loaded.device.type, _PIECE_OTHERWISE))
        self._join()
        if not self._arranged:
            self._arrange()
        self._grow()
        tokens, step, kept = self._lay_out(planned)
        self._slots.begin(step)
        logits = self._forward(tokens, step.positions, kept)
        self._reading.done(planned)
        return self._choose(logits) if self._live else []

    # Who takes part -------------------------------------------------------------------------------------

    def _join(self) -> None:
        """Let flights decode whose prompts have been read."""
        live = set(self._live)
        joining = [
            flight
            for flight, rows in self._rows.items()
            if flight not in live and all(row.ready for row in rows)
        ]
        if joining:
            self._flush()
            self._live += joining
            self._arranged = False

    def _leave(self, flight: Flight, rows: list[Row]) -> None:
        for row in rows:
            heapq.heappush(self._free, row.slot)
        self._rows[flight] = [row for row in self._rows[flight] if row not in rows]
        if flight.over:
            del self._rows[flight]
            self._live.remove(flight)
        self._arranged = False

    def _make_room(self, segment: int) -> None:
        """Let a segment have the room that its rows need, now that one has joined."""
        everyone = [row for rows in self._rows.values() for row in rows]
        tokens = max(self._length(row) for row in everyone if row.slot // SEGMENT == segment)
        self._slots.reserve(segment, tokens + 1)

    def _tidy(self) -> None:
        """Bring rows alike in length together, once that gives back enough room to be worth the copying."""
        rows = [row for rows in self._rows.values() for row in rows]
        sizes, lengths = self._slots.sizes, {row.slot: self._length(row) + 1 for row in rows}
        places = together(lengths, sizes)
        tokens = longest({places[slot]: count for slot, count in lengths.items()}, len(sizes))
        if self._slots.total_room <= _WASTE * room_for(tokens, sizes):
            return
        held = {row.slot: self._length(row) - 1 if row.ready else row.read for row in rows}
        self._slots.rearrange({places[slot]: (slot, count) for slot, count in held.items()}, tokens)
        for row in rows:
            row.slot = places[row.slot]
        self._reading.keep(rows)
        self._free = sorted(set(range(self._slots.count)) - set(places.values()))

    @staticmethod
    def _length(row: Row) -> int:
        """Return how many tokens a row has, those written since it joined included."""
        return len(row.ids) + len(row.flight.tokens) - row.begun

    def _grow(self) -> None:
        """Make room for the newest tokens."""
        for stretch, end in zip(self._stretches, self._stretch_ends, strict=True):
            if end + len(self._log) > self._slots.room(stretch.segment):
                self._slots.reserve(stretch.segment, end + len(self._log))

    # The step's layout ----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Lay out the rows that decode: conditional ones, guided flights first, then unconditional ones."""
        self._flush()
        self._tidy()
        self._live.sort(key=lambda flight: not flight.guided_now)
        device = self.loaded.device
        guided = [flight for flight in self._live if flight.guided_now]
        self._guided = len(guided)
        rows = [self._rows[flight][0] for flight in self._live] + [self._rows[flight][1] for flight in guided]
        order = sorted(range(len(rows)), key=lambda index: rows[index].slot)
        self._order = torch.tensor(order, dtype=torch.long, device=device)
        self._inverse = self._order.argsort()
        lengths = [self._length(row) for row in rows]
        self._positions = torch.tensor(lengths, dtype=torch.long, device=device) - 1
        self._newest = torch.tensor(
            [row.flight.tokens[-1] if row.flight.tokens else row.ids[-1] for row in rows],
            dtype=torch.long,
            device=device,
        )
        self._stretches, self._stretch_ends = _stretches(
            [rows[index].slot for index in order], [lengths[index] for index in order], device
        )
        self._gather_settings(guided)
        self._arranged = True

    def _gather_settings(self, guided: list[Flight]) -> None:
        device = self.loaded.device
        specs = [flight.spec for flight in self._live]
        drawn = [index for index, spec in enumerate(specs) if spec.temperature > 0]
        self._drawn = torch.tensor(drawn, dtype=torch.long, device=device)
        self._settings = Settings.of(specs, device)
        self._masked = any(spec.plausibility for spec in specs)
        self._stopping = [flight for flight in self._live if flight.spec.stop]
        self._words_at = -_AHEAD
        left = [
            min(flight.spec.max_new_tokens - len(flight.tokens), self.loaded.context - flight.longest)
            for flight in self._live
        ]
        turns = [
            flight.spec.guided_tokens - len(flight.tokens) if flight.spec.guided_tokens else _NEVER
            for flight in guided
        ]
        self._left = torch.tensor(left, dtype=torch.long, device=device)
        self._turn = min(turns, default=_NEVER)

    def _lay_out(self, planned: list[tuple[Row, int]]) -> tuple[Tensor, Step, Tensor]:
        """Return the step's token ids, of shape (N,), how they lie, and which tokens' logits are wanted."""
        device, done = self.loaded.device, len(self._log)
        tokens, positions = [self._newest[self._order]], [self._positions[self._order] + done]
        chunks, begin = [], len(self._order)
        for row, count in planned:
            span = slice(row.read, row.read + count)
            tokens.append(torch.tensor(row.ids[span], dtype=torch.long, device=device))
            positions.append(torch.arange(span.start, span.stop, device=device))
            chunks.append(Chunk(row.slot, row.read, slice(begin, begin + count)))
            begin += count
        ends = [end + done for end in self._stretch_ends]
        return torch.cat(tokens), Step(self._stretches, chunks, torch.cat(positions), ends), self._inverse

    def _forward(self, tokens: Tensor, positions: Tensor, kept: Tensor) -> Tensor:
        """Return the logits that follow some of the tokens, of shape (R, V)."""
        model = self.loaded.model
        optional: dict[str, Any] = {"position_ids": positions[None], "logits_to_keep": kept}
        accepted = {name: value for name, value in optional.items() if name in self._accepted}
        with slot_attention(model):
            output = model(input_ids=tokens[None], past_key_values=self._slots, use_cache=True, **accepted)
        logits: Tensor = output.logits[0]
        return logits if "logits_to_keep" in accepted else logits[kept]

    # The next tokens ------------------------------------------------------------------------------------

    def _choose(self, logits: Tensor) -> list[Flight]:
        """Choose the next token of each flight that decodes; return those that are over."""
        count = len(self._live)
        scores = logits[:count].float()  # (B, V)
        conditional = scores.clone() if self._masked else scores
        if self._guided:
            scale = self._settings.guidance_scale[: self._guided]
            scores[: self._guided] = guide(scores[: self._guided], logits[count:], scale=scale)
        scores = plausible(scores, conditional, share=self._settings.plausibility) if self._masked else scores
        best = scores.amax(-1)  # (B,), not a number where any score is none
        chosen = scores.argmax(-1) if len(self._drawn) < count else self._newest.new_empty(count)  # (B,)
        if len(self._drawn):
            chosen[self._drawn] = self._draw(scores)
        self._log.append(chosen)
        self._newest = torch.cat([chosen, chosen[: self._guided]])
        steps = len(self._log)
        ended = torch.isin(chosen, self._ends) | (self._left <= steps) | ~best.isfinite()  # (B,)
        if steps == self._turn or self._stopping or bool(ended.any()):
            return self._sort_out(ended.tolist(), best.isfinite().tolist())
        return []

    def _draw(self, scores: Tensor) -> Tensor:
        """Draw the next tokens of the flights that do not decode greedily."""
        steps = len(self._log)
        if steps >= self._words_at + _AHEAD:
            drawing = [self._live[index] for index in self._drawn.tolist()]
            ahead = [flight.words_from(len(flight.tokens) + steps, _AHEAD) for flight in drawing]
            self._words = torch.from_numpy(np.stack(ahead)).to(self.loaded.device)  # (B', W, 2)
            self._words_at = steps
        words = self._words[:, steps - self._words_at]  # (B', 2)
        everyone = len(self._drawn) == len(scores)
        rows = scores if everyone else scores[self._drawn]
        settings = self._settings if everyone else self._settings.rows(self._drawn)
        return sample(rows, settings, words[:, 0], words[:, 1])

    def _flush(self) -> None:
        """Hand the tokens chosen since the last time to their flights."""
        if not self._log:
            return
        columns = torch.stack(self._log, dim=1).tolist()
        for flight, tokens in zip(self._live, columns, strict=True):
            flight.tokens.extend(tokens)
        self._log.clear()
        self._arranged = False

    def _sort_out(self, ended: list[bool], sound: list[bool]) -> list[Flight]:
        """See which flights are over, and which need their unconditional row no longer."""
        flights = list(self._live)
        self._flush()
        for flight, ends, finite in zip(flights, ended, sound, strict=True):
            if not finite:
                flight.tokens.pop()
                flight.fault = "The checkpoint's logits are not finite numbers; its weights may be damaged."
            elif flight.spec.stop and self._stops(flight):
                flight.finish = FinishReason.STOP
            elif ends:
                stopped = flight.tokens[-1] in self.loaded.eos_ids
                flight.finish = FinishReason.STOP if stopped else FinishReason.LENGTH
            rows = self._rows[flight]
            if flight.over or (len(rows) > 1 and not flight.guided_now):
                self._leave(flight, rows if flight.over else rows[1:])
        return [flight for flight in flights if flight.over]

    def _stops(self, flight: Flight) -> bool:
        """Whether one of the flight's stop strings has been written; remember where."""
        # A token is at least a byte of the string, so only so many can hold its newest part.
        tail = flight.tokens[-max(len(stop.encode()) for stop in flight.spec.stop) - 1 :]
        decode = self.loaded.tokenizer.decode
        if not any(stop in decode(tail, skip_special_tokens=True) for stop in flight.spec.stop):
            return False
        text = decode(flight.tokens, skip_special_tokens=True)
        found = [text.find(stop) for stop in flight.spec.stop if stop in text]
        flight.text_end = min(found, default=None)
        return bool(found)


def _stretches(slots: list[int], lengths: list[int], device: torch.device) -> tuple[list[Stretch], list[int]]:
    """Cut slots, in order, into one stretch per segment; return them and the longest row of each."""
    stretches, ends = [], []
    segments = [slot // SEGMENT for slot in slots]
    for segment in sorted(set(segments)):
        begin = segments.index(segment)
        span = slice(begin, begin + segments.count(segment))
        local = [slot % SEGMENT for slot in slots[span]]
        size = local[-1] - local[0] + 1
        gaps = len(local) < size
        places = torch.tensor([slot - local[0] for slot in local], device=device) if gaps else None
        stretches.append(Stretch(segment, local[0], size, span, places))
        ends.append(max(lengths[span]))
    return stretches, ends
