"""Whether a checkpoint's architecture comes out right over slots: tried, not believed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from generation.engine.attention import slot_attention
from generation.engine.checkpoint import Loaded
from generation.engine.facts import vocabulary_of
from generation.engine.slots import Chunk, Slots, Step, Stretch
from generation.engine.sources import CheckpointError

_LENGTHS = (9, 14)
_TOLERANCE = {torch.float32: 1e-3}
_TOLERANCE_OTHERWISE = 0.05
"""Of the largest logit: types of 16 bits keep two or three digits."""


@torch.inference_mode()
def refuse_unserved(loaded: Loaded) -> None:
    """Raise when the engine's forward and transformers' own do not agree on a few tokens.

    Parameters
    ----------
    loaded
        The checkpoint. It reads two short rows of made-up tokens, in each way.

    Raises
    ------
    CheckpointError
        When its attention is of a kind that is not served: states other than keys and values, or biases
        and sinks that transformers does not hand over.
    """
    vocabulary = vocabulary_of(loaded.model)
    rng = np.random.default_rng(1)
    rows = [torch.tensor(rng.integers(0, vocabulary, length), device=loaded.device) for length in _LENGTHS]
    try:
        alike = _alike(_over_slots(loaded, rows), _by_transformers(loaded, rows), loaded.dtype)
    except Exception as error:
        if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
            raise
        raise _refusal(loaded, f" ({type(error).__name__})") from error
    if not alike:
        raise _refusal(loaded, "")


def _over_slots(loaded: Loaded, rows: list[Tensor]) -> Tensor:
    """Read all but the last token of each row as a prompt, then the last ones together."""
    slots = Slots(len(rows), loaded.device)
    slots.reserve(0, max(map(len, rows)))
    ends = np.cumsum([len(row) - 1 for row in rows]).tolist()
    chunks = [Chunk(n, 0, slice(end - len(rows[n]) + 1, end)) for n, end in enumerate(ends)]
    positions = torch.cat([torch.arange(len(row) - 1, device=loaded.device) for row in rows])
    _read(loaded, slots, torch.cat([row[:-1] for row in rows]), Step([], chunks, positions, []))
    stretch = Stretch(0, 0, len(rows), slice(0, len(rows)), None)
    last = torch.tensor([len(row) - 1 for row in rows], device=loaded.device)
    step = Step([stretch], [], last, [max(map(len, rows))])
    return _read(loaded, slots, torch.stack([row[-1] for row in rows]), step)


def _read(loaded: Loaded, slots: Slots, tokens: Tensor, step: Step) -> Tensor:
    slots.begin(step)
    with slot_attention(loaded.model):
        output = loaded.model(
            input_ids=tokens[None], position_ids=step.positions[None], past_key_values=slots, use_cache=True
        )
    logits: Tensor = output.logits[0]
    return logits


def _by_transformers(loaded: Loaded, rows: list[Tensor]) -> Tensor:
    return torch.stack([loaded.model(input_ids=row[None]).logits[0, -1] for row in rows])


def _alike(ours: Tensor, theirs: Tensor, dtype: torch.dtype) -> bool:
    # Damaged weights give numbers that are none in both; that is told where texts are written.
    ours, theirs = ours.float().nan_to_num(), theirs.float().nan_to_num()
    tolerance = _TOLERANCE.get(dtype, _TOLERANCE_OTHERWISE)
    return bool((ours - theirs).abs().max() <= tolerance * theirs.abs().max().clamp(min=1))


def _refusal(loaded: Loaded, detail: str) -> CheckpointError:
    kind = type(loaded.model).__name__
    return CheckpointError(
        f"{loaded.name}: {kind} comes out otherwise here than in transformers{detail}, so its kind of "
        "attention is not served. Use another checkpoint, or an endpoint that serves this one."
    )
