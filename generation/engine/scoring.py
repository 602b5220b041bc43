"""How likely a continuation is under guidance: what benchmarks ask, where studies ask for texts.

Source: Sanchez et al. 2023, *Stay on topic with Classifier-Free Guidance*, arXiv 2306.17806, section 3.1.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from accelerate.utils.memory import should_reduce_batch_size
from torch import Tensor

from generation.engine.checkpoint import Loaded
from generation.engine.facts import vocabulary_of
from generation.engine.guidance import guide

_LOGITS = 2**27
"""How many logits a batch may have, so that long texts with a large vocabulary do not fill the memory."""
_Row = tuple[tuple[int, ...], int]
"""The tokens that are read, and how many of the last columns' logits are wanted."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text to score, after its context. All of them are token ids."""

    context: tuple[int, ...]
    """The prompt; at least one token."""
    tokens: tuple[int, ...]
    """What is scored; at least one token."""
    unconditional: tuple[int, ...] = ()
    """The unconditional context; of no matter at guidance scale 1."""


@dataclass(frozen=True, slots=True)
class Score:
    """What was found."""

    log_probability: float
    """Of the whole continuation, in nats."""
    greedy: bool
    """Whether greedy decoding would have written it."""


def score(
    loaded: Loaded,
    wanted: Sequence[Continuation],
    *,
    scale: float = 1.0,
    rows: int = 32,
    tick: Callable[[int], None] = lambda _: None,
) -> list[Score]:
    """Return the guided log-probability of each continuation given its context.

    Parameters
    ----------
    loaded
        The checkpoint.
    wanted
        What to score. Its order and its neighbours change nothing but the time taken.
    scale
        The guidance scale: 0 unconditional, 1 the checkpoint itself, above 1 guided.
    rows
        How many continuations are read together at most; halved whenever memory does not suffice.
    tick
        Told after each batch how many were scored.

    Returns
    -------
    list of Score
        In the order of ``wanted``.

    Raises
    ------
    ValueError
        When a continuation is empty, lacks a context that the scale needs, or is longer than the
        checkpoint reads.

    Notes
    -----
    The guided logits of every position (equation 7) are normalised over the vocabulary, so each score is
    the logarithm of a probability. Both contexts are followed by the same tokens of the continuation.
    Contexts that are too long lose their beginning, as in EleutherAI's harness.
    """
    for continuation in wanted:
        _check(continuation, scale, loaded.context)
    order = sorted(range(len(wanted)), key=lambda index: -_length(wanted[index]))
    scores: dict[int, Score] = {}
    first = 0
    while first < len(order):
        chunk = order[first : first + _room(loaded, wanted, order[first : first + rows])]
        try:
            found = _batch(loaded, [wanted[index] for index in chunk], scale)
        except RuntimeError as error:
            if len(chunk) == 1 or not should_reduce_batch_size(error):
                raise
            rows = len(chunk) // 2
            continue
        scores.update(zip(chunk, found, strict=True))
        first += len(chunk)
        tick(len(chunk))
    return [scores[index] for index in range(len(wanted))]


def _room(loaded: Loaded, wanted: Sequence[Continuation], candidates: Sequence[int]) -> int:
    """Return how many of the candidates fit into a batch; at least one."""
    vocabulary = vocabulary_of(loaded.model)
    longest = 0
    for count, index in enumerate(candidates):
        longest = max(longest, len(wanted[index].tokens))
        if count and (count + 1) * longest * vocabulary > _LOGITS:
            return count
    return len(candidates)


@torch.inference_mode()
def _batch(loaded: Loaded, wanted: Sequence[Continuation], scale: float) -> list[Score]:
    """Score continuations together: N is the number of all their tokens."""
    targets = torch.tensor([token for one in wanted for token in one.tokens], device=loaded.device)  # (N,)
    conditional = _logits(loaded, [_row(one.context, one.tokens, loaded.context) for one in wanted])
    unconditional = conditional  # (N, V)
    if scale != 1:
        rows = [_row(one.unconditional, one.tokens, loaded.context) for one in wanted]
        unconditional = _logits(loaded, rows)
    scales = torch.full((len(targets),), scale, device=loaded.device)  # (N,)
    guided = guide(conditional, unconditional, scale=scales).log_softmax(-1)  # (N, V)
    likely = guided.gather(-1, targets[:, None])[:, 0]  # (N,)
    agrees = guided.argmax(-1) == targets  # (N,)
    counts = [len(one.tokens) for one in wanted]
    parts = zip(torch.split(likely.cpu(), counts), torch.split(agrees.cpu(), counts), strict=True)
    return [Score(float(part.sum()), bool(same.all())) for part, same in parts]


def _logits(loaded: Loaded, rows: Sequence[_Row]) -> Tensor:
    """Return the wanted logits of all rows, one after the other, of shape (N, V).

    Rows are padded on the left, so that what is wanted lies at the right and nothing else is computed;
    positions are given, so that padding changes nothing. Equal rows are read once.
    """
    distinct = list(dict.fromkeys(tokens for tokens, _ in rows))
    width = max(map(len, distinct))
    kept = max(count for _, count in rows)
    padded = [[loaded.pad_id] * (width - len(tokens)) + list(tokens) for tokens in distinct]
    lengths = torch.tensor([len(tokens) for tokens in distinct], device=loaded.device)
    mask = (torch.arange(width, device=loaded.device) >= width - lengths[:, None]).long()  # (R, T)
    optional = {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0), "logits_to_keep": kept}
    accepted = inspect.signature(loaded.model.forward).parameters
    output = loaded.model(
        input_ids=torch.tensor(padded, device=loaded.device),
        attention_mask=mask,
        use_cache=False,
        **{name: value for name, value in optional.items() if name in accepted},
    )
    logits = output.logits[:, -kept:, :]  # (R, K, V)
    place = {tokens: index for index, tokens in enumerate(distinct)}
    return torch.cat([logits[place[tokens], kept - count :] for tokens, count in rows])


def _row(context: tuple[int, ...], tokens: tuple[int, ...], most: int) -> _Row:
    """Return what is read to predict ``tokens``: all but the last of them, after as much context as fits."""
    return (*context, *tokens)[-(most + 1) :][:-1], len(tokens)


def _length(continuation: Continuation) -> int:
    return len(continuation.context) + len(continuation.tokens)


def _check(continuation: Continuation, scale: float, most: int) -> None:
    if not continuation.context or not continuation.tokens:
        raise ValueError("A context and its continuation need at least one token each.")
    if scale != 1 and not continuation.unconditional:
        raise ValueError(f"Guidance scale {scale:g} needs an unconditional context.")
    if len(continuation.tokens) > most:
        length = len(continuation.tokens)
        raise ValueError(f"A continuation has {length} tokens and the checkpoint reads {most}: shorten it.")
