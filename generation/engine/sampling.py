"""Temperature and the truncations of a next-token distribution, each row by its own settings.

They mean and follow one another as in transformers: temperature, top-k, top-p, min-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from generation.spec import DecodingSpec

_HEAD = 1024
"""Nucleus sampling sorts this many tokens first, and all only where they do not hold enough mass."""


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


def truncate(scores: Tensor, settings: Settings) -> Tensor:
    """Scale and truncate logits for sampling.

    Parameters
    ----------
    scores
        Logits, of shape (B, V), in 32-bit floats.
    settings
        Of B rows, whose temperatures are positive.

    Returns
    -------
    Tensor
        Logits, of shape (B, V), with minus infinity for the tokens cut off. At least one is left in a row.

    Notes
    -----
    Tokens with exactly equal scores at a boundary are all kept, so that the result does not depend
    on how a device sorts.
    """
    scores = scores / settings.temperature[:, None]  # (B, V)
    for bounded, least in (
        (settings.top_k > 0, _least_top_k),
        (settings.top_p < 1, _least_top_p),
        (settings.min_p > 0, _least_min_p),
    ):
        index = bounded.nonzero()[:, 0]  # (R,)
        if len(index):
            rows = scores[index]  # (R, V)
            bound = least(rows, settings.rows(index))  # (R,)
            scores[index] = rows.masked_fill(rows < bound[:, None], -torch.inf)
    return scores


def _least_top_k(scores: Tensor, settings: Settings) -> Tensor:
    """Return the k-th largest score of each row."""
    counts = settings.top_k.long().clamp(max=scores.shape[-1])  # (R,)
    best = scores.topk(int(counts.max()), dim=-1).values  # (R, K)
    return best.gather(-1, counts[:, None] - 1)[:, 0]


def _least_top_p(scores: Tensor, settings: Settings) -> Tensor:
    """Return the smallest score of each row's nucleus."""
    size = min(_HEAD, scores.shape[-1])
    least, enough = _nucleus(scores, settings.top_p, size)
    if not bool(enough.all()):
        wide = (~enough).nonzero()[:, 0]
        least[wide] = _nucleus(scores[wide], settings.top_p[wide], scores.shape[-1])[0]
    return least


def _nucleus(scores: Tensor, mass: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the bound found among the ``size`` best tokens, and whether they hold the mass asked for."""
    best = scores.topk(size, dim=-1).values  # (R, K), falling
    share = (best - scores.logsumexp(-1, keepdim=True)).exp()  # (R, K)
    above = share.cumsum(-1) - share  # (R, K): the mass of the tokens before each
    kept = (above < mass[:, None]).sum(-1).clamp(min=1)  # (R,)
    enough = (kept < size) | torch.tensor(size == scores.shape[-1], device=scores.device)
    return best.gather(-1, kept[:, None] - 1)[:, 0], enough


def _least_min_p(scores: Tensor, settings: Settings) -> Tensor:
    """Return the score of ``min_p`` times the best token's probability."""
    return scores.amax(-1) + settings.min_p.log()
