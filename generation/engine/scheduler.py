"""The engine: takes requests, keeps the batch going, hands back completions as they finish."""

from __future__ import annotations

import importlib.metadata
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch

from generation.engine.checkpoint import Loaded, load
from generation.engine.decoding import Batch
from generation.engine.flights import Flight
from generation.engine.prompts import PromptError, render
from generation.engine.served import refuse_unserved
from generation.spec import Beat, CompletionRequest, Failed, Fetch, Generated

VERSION = "2"
"""Raised whenever the same request could come out differently; part of each completion's provenance."""
_LIBRARIES = ("torch", "transformers", "tokenizers")
_GUIDED_ROWS = 2
_AHEAD = 8
"""While rows are in flight, one in so many more is asked for than is free."""
_ASK_SECONDS = 2.0
"""While rows are free, more is asked for so often, though none of those in flight has ended."""


class Engine:
    """Writes completions with one checkpoint: a `generation.spec.Generator`.

    Parameters
    ----------
    loaded
        The checkpoint.
    rows
        How many rows are decoded together at most; a guided completion takes two. Halved, for as long
        as the engine lives, whenever memory does not suffice.

    Raises
    ------
    CheckpointError
        When the checkpoint's architecture is not served.
    """

    def __init__(self, loaded: Loaded, *, rows: int = 96) -> None:
        refuse_unserved(loaded)
        self.loaded = loaded
        self.rows = max(_GUIDED_ROWS, rows)
        self._own_dtype = _dtype_name(loaded)
        self._libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        """Yield each completion as it finishes, until ``fetch`` has no more and none is in flight.

        Rows are filled again the moment they are free. A request that cannot be run comes back as `Failed`
        and holds up nothing. Whatever ``beat`` raises ends the run at once.
        """
        waiting: deque[Flight] = deque()
        batch = Batch(self.loaded, self.rows)
        asking, asked = True, 0.0
        while True:
            if asking and not waiting:
                requests, asked = fetch(self._wanted(batch)), time.monotonic()
                if not requests and not batch.row_count:
                    return
                yield from self._admit(requests, waiting)
                asking = bool(requests)
            batch = self._fill(batch, waiting)
            if not batch.row_count:
                asking = True
                continue
            rows = batch.row_count
            try:
                over = batch.step()
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                over = self._retreat(batch, waiting)
                batch = Batch(self.loaded, self.rows)
            yield from (self._result(flight, rows) for flight in over)
            late = batch.free > 0 and time.monotonic() - asked > _ASK_SECONDS
            asking = asking or bool(over) or late
            progress = batch.progress()
            if progress:
                beat(progress)

    def _wanted(self, batch: Batch) -> int:
        """Return how many rows' worth to ask for: a few more than are free, so as not to ask at each step."""
        return max(_GUIDED_ROWS, batch.free + (self.rows // _AHEAD if batch.row_count else 0))

    def _fill(self, batch: Batch, waiting: deque[Flight]) -> Batch:
        """Let as many waiting flights join as there are free rows; return the batch that they joined."""
        if waiting and not batch.row_count:
            wanted = waiting[0].spec.dtype or self._own_dtype
            if wanted != _dtype_name(self.loaded):
                self.loaded = load(
                    self.loaded.name, self.loaded.prepared, device=self.loaded.device.type, dtype=wanted
                )
            batch = Batch(self.loaded, max(self.rows, waiting[0].size))
        room, joining = batch.free, []
        while waiting and waiting[0].size <= room and self._fits(waiting[0]):
            room -= waiting[0].size
            joining.append(waiting.popleft())
        batch.add(joining)
        return batch

    def _fits(self, flight: Flight) -> bool:
        """Whether a flight wants the weights in the type that they are loaded in."""
        return (flight.spec.dtype or self._own_dtype) == _dtype_name(self.loaded)

    def _admit(self, requests: Sequence[CompletionRequest], waiting: deque[Flight]) -> Iterator[Failed]:
        """Render requests into flights, refusing those that cannot be run."""
        for request in requests:
            try:
                rows = render(request, self.loaded.tokenizer)
            except PromptError as error:
                yield Failed(request.key, str(error))
                continue
            longest = max(len(rows.conditional_ids), len(rows.unconditional_ids))
            if longest >= self.loaded.context:
                reason = f"The prompt has {longest} tokens and the checkpoint reads {self.loaded.context}."
                yield Failed(request.key, f"{reason} Shorten it.")
                continue
            waiting.append(Flight(request, rows))

    def _retreat(self, batch: Batch, waiting: deque[Flight]) -> list[Flight]:
        """Go on with half the rows; a completion that does not fit even alone is given up."""
        unfinished = batch.flights
        if self.loaded.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(unfinished) == 1:
            reason = "Out of memory even alone: use a shorter prompt, fewer new tokens or a larger device."
            unfinished[0].fault = reason
            return unfinished
        self.rows = max(1, self.rows // 2)
        waiting.extendleft(reversed(unfinished))
        return []

    def _result(self, flight: Flight, rows: int) -> Generated | Failed:
        """Turn a flight that is over into what is stored."""
        if flight.finish is None:
            return Failed(flight.request.key, flight.fault)
        written = list(flight.tokens)
        if written[-1] in self.loaded.eos_ids:
            written.pop()
        text = self.loaded.tokenizer.decode(written, skip_special_tokens=True)
        return Generated(
            key=flight.request.key,
            text=text if flight.text_end is None else text[: flight.text_end],
            token_ids=tuple(flight.tokens),
            finish_reason=flight.finish,
            prompt_tokens=len(flight.rows.conditional_ids),
            forward_flops=self._flops(flight),
            seconds=time.monotonic() - flight.started,
            provenance=self._provenance(flight, rows),
        )

    def _flops(self, flight: Flight) -> float:
        """Count two operations per parameter and token read, over both rows; the last token is not read.

        Tokens that two completions share count for both: a completion costs what it would cost alone.
        """
        return 2.0 * self.loaded.parameters * flight.tokens_read

    def _provenance(self, flight: Flight, rows: int) -> dict[str, Any]:
        """Return what is needed to write the same completion again, and to doubt it."""
        loaded = self.loaded
        return {
            "engine": VERSION,
            "checkpoint": loaded.name,
            "revision": loaded.prepared.revision,
            "weight_hash": loaded.prepared.weight_hash,
            "spec": flight.request.spec.as_dict(),
            "noise": asdict(flight.request.noise),
            "conditional": flight.rows.conditional,
            "unconditional": flight.rows.unconditional if flight.size > 1 else None,
            "device": _device_name(loaded.device),
            "dtype": _dtype_name(loaded),
            "packed": loaded.packed,
            "rows": rows,
            "libraries": self._libraries,
        }


def _out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory, which a CPU reports as a plain RuntimeError, from a defect."""
    lack = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return lack or "allocate memory" in str(error)


def _dtype_name(loaded: Loaded) -> str:
    return str(loaded.dtype).removeprefix("torch.")


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
