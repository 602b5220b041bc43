"""Temperature and the truncations of a next-token distribution, each row by its own settings.

They mean and follow one another as in transformers: temperature, top-k, top-p, min-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from generation.engine import noise
from generation.spec import DecodingSpec

_HEADS = (64, 1024)
"""Truncation looks at this many of the best tokens first, and at all only where those do not suffice."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Decoding settings of B rows, each of shape (B,)."""

    guidance_scale: Tensor
    plausibility: Tensor
    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor

    @classmethod
    def of(cls, specs: Sequence[DecodingSpec], device: torch.device) -> Self:
        """Gather the settings of many specs."""
        return cls(
            **{
                field.name: torch.tensor([float(getattr(spec, field.name)) for spec in specs], device=device)
                for field in fields(cls)
            }
        )

    def rows(self, index: Tensor) -> Self:
        """Return the settings of some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def sample(scores: Tensor, settings: Settings, first: Tensor, second: Tensor) -> Tensor:
    """Draw one token per row from the scaled and truncated distribution.

    Parameters
    ----------
    scores
        Logits, of shape (B, V), in 32-bit floats.
    settings
        Of B rows, whose temperatures are positive.
    first, second
        The rows' key words, as of `generation.engine.noise.draw`.

    Returns
    -------
    Tensor
        Token ids, of shape (B,).
    """
    chosen = torch.empty(len(scores), dtype=torch.long, device=scores.device)
    whole = scores.shape[-1]
    bounded = (settings.top_k > 0) | (settings.top_p < 1) | (settings.min_p > 0)  # (B,)
    left = bounded.nonzero()[:, 0]
    for size in (*(head for head in _HEADS if head < whole), whole):
        if size == whole:
            left = torch.cat([left, (~bounded).nonzero()[:, 0]]).sort().values
        if not len(left):
            continue
        rows = scores if len(left) == len(scores) else scores[left]
        values, tokens, enough = truncate(rows, settings.rows(left), size)
        done = left[enough]
        chosen[done] = noise.draw(values[enough], tokens[enough], first[done], second[done])
        left = left[~enough]
    return chosen


def truncate(scores: Tensor, settings: Settings, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scale logits and cut off all but the tokens that may be drawn.

    Parameters
    ----------
    scores
        Logits, of shape (B, V), in 32-bit floats.
    settings
        Of B rows, whose temperatures are positive.
    size
        How many of the best tokens to look at, at most V.

    Returns
    -------
    values, tokens
        The ``size`` best tokens and their scaled logits, falling, of shape (B, K); minus infinity for the
        tokens cut off. At least one is left in a row.
    enough
        Whether nothing beyond them is left either, of shape (B,). Where not, ask with a larger size.

    Notes
    -----
    Tokens with exactly equal scores at a boundary are all kept, so that the result does not depend
    on how a device sorts.
    """
    scores = scores / settings.temperature[:, None]  # (B, V)
    values, tokens = scores.topk(size, dim=-1)  # (B, K), falling
    least = _least_top_k(values, settings)  # (B,)
    # The nucleus is one of what top-k leaves, so all of that must be at hand.
    enough = (values[:, -1] < least) | (settings.top_k == 0) | (settings.top_p == 1)  # (B,)
    least = torch.maximum(least, _least_top_p(values, scores, least, settings))
    least = torch.maximum(least, values[:, 0] + settings.min_p.log())
    enough = enough & (values[:, -1] < least) | (size == scores.shape[-1])
    return values.masked_fill(values < least[:, None], -torch.inf), tokens, enough


def _least_top_k(values: Tensor, settings: Settings) -> Tensor:
    """Return the k-th largest score of each row; minus infinity where all may stay."""
    place = settings.top_k.long().clamp(min=1, max=values.shape[-1]) - 1  # (B,)
    least = values.gather(-1, place[:, None])[:, 0]
    return least.masked_fill(settings.top_k == 0, -torch.inf)


def _least_top_p(values: Tensor, scores: Tensor, least: Tensor, settings: Settings) -> Tensor:
    """Return the smallest score of each row's nucleus, among the tokens that top-k left."""
    if not bool((settings.top_p < 1).any()):
        return least
    values = values.masked_fill(values < least[:, None], -torch.inf)  # (B, K)
    mass = scores.logsumexp(-1)  # (B,)
    limited = settings.top_k > 0
    if bool(limited.any()):
        mass = torch.where(limited, values.logsumexp(-1), mass)
    share = (values - mass[:, None]).exp()  # (B, K)
    before = share.cumsum(-1) - share  # (B, K): the mass of the tokens before each
    kept = ((before < settings.top_p[:, None]) & values.isfinite()).sum(-1).clamp(min=1)  # (B,)
    nucleus = values.gather(-1, kept[:, None] - 1)[:, 0]
    return nucleus.masked_fill(settings.top_p == 1, -torch.inf)
