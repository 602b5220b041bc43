"""The engine: takes requests, keeps the batch going, hands back completions as they finish."""

from __future__ import annotations

import importlib.metadata
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch

from generation.engine.checkpoint import Loaded
from generation.engine.decoding import Batch, Flight
from generation.engine.prompts import PromptError, render
from generation.spec import Beat, CompletionRequest, Failed, Fetch, FinishReason, Generated

VERSION = "1"
"""Raised whenever the same request could come out differently; part of each completion's provenance."""
_LIBRARIES = ("torch", "transformers", "tokenizers")


class Engine:
    """Writes completions with one checkpoint: a `generation.spec.Generator`.

    Parameters
    ----------
    loaded
        The checkpoint.
    rows
        How many rows are decoded together at most; a guided completion takes two. Halved, for as long
        as the engine lives, whenever memory does not suffice.
    """

    def __init__(self, loaded: Loaded, *, rows: int = 96) -> None:
        self.loaded = loaded
        self.rows = max(2, rows)
        self._libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        """Yield each completion as it finishes, until ``fetch`` has no more.

        A request that cannot be run comes back as `Failed` and holds up nothing. Whatever ``beat`` raises
        ends the run at once.
        """
        waiting: deque[Flight] = deque()
        while True:
            if not waiting:
                requests = fetch(max(2, self.rows))
                if not requests:
                    return
                yield from self._admit(requests, waiting)
                continue
            yield from self._fly(waiting, beat)

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

    def _fly(self, waiting: deque[Flight], beat: Beat) -> Iterator[Generated | Failed]:
        """Decode as many waiting flights as fit; put back what is left when memory runs out."""
        group: list[Flight] = []
        room = self.rows
        while waiting and (waiting[0].size <= room or not group):
            room -= waiting[0].size
            group.append(waiting.popleft())
        short = False
        try:
            yield from self._decode(group, beat)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            short = True
        if short:
            yield from self._retreat([flight for flight in group if not flight.over], waiting)

    def _decode(self, group: list[Flight], beat: Beat) -> Iterator[Generated | Failed]:
        """Run one batch until all its flights are over."""
        batch = Batch(self.loaded, group)
        rows = batch.row_count

        def report() -> None:
            beat({flight.request.key: len(flight.tokens) for flight in batch.flights if not flight.over})

        batch.read(report)
        while True:
            batch.choose()
            for flight in batch.flights:
                if flight.over:
                    yield self._result(flight, rows)
            if all(flight.over for flight in batch.flights):
                return
            report()
            batch.step()

    def _retreat(self, unfinished: list[Flight], waiting: deque[Flight]) -> Iterator[Failed]:
        """Go on with half the rows; a completion that does not fit even alone is given up."""
        if self.loaded.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(unfinished) == 1:
            reason = "Out of memory even alone: use a shorter prompt, fewer new tokens or a larger device."
            yield Failed(unfinished[0].request.key, reason)
            return
        self.rows = max(1, self.rows // 2)
        waiting.extendleft(reversed(unfinished))

    def _result(self, flight: Flight, rows: int) -> Generated | Failed:
        """Turn a flight that is over into what is stored."""
        if flight.finish is None:
            return Failed(flight.request.key, flight.fault)
        text = list(flight.tokens)
        if flight.finish is FinishReason.STOP:
            text.pop()
        return Generated(
            key=flight.request.key,
            text=self.loaded.tokenizer.decode(text, skip_special_tokens=True),
            token_ids=tuple(flight.tokens),
            finish_reason=flight.finish,
            prompt_tokens=len(flight.rows.conditional_ids),
            forward_flops=self._flops(flight),
            seconds=time.monotonic() - flight.started,
            provenance=self._provenance(flight, rows),
        )

    def _flops(self, flight: Flight) -> float:
        """Count two operations per parameter and token read, over both rows; the last token is not read."""
        read = sum(len(context) - 1 for context in flight.contexts)
        return 2.0 * self.loaded.parameters * read

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
            "dtype": str(loaded.dtype).removeprefix("torch."),
            "rows": rows,
            "libraries": self._libraries,
        }


def _out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory, which a CPU reports as a plain RuntimeError, from a defect."""
    lack = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return lack or "allocate memory" in str(error)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
