"""Classifier-free guidance of next-token logits.

Source: Sanchez et al. 2023, *Stay on topic with Classifier-Free Guidance*, arXiv 2306.17806, equation 7.
"""

from __future__ import annotations

import torch
from torch import Tensor


def guide(conditional: Tensor, unconditional: Tensor, *, scale: Tensor) -> Tensor:
    """Combine logits: away from the unconditional context, towards the prompt.

    Parameters
    ----------
    conditional, unconditional
        Raw next-token logits, of shape (B, V).
    scale
        The guidance scale of each row, of shape (B,): 0 unconditional, 1 ordinary sampling, above 1 guided.

    Returns
    -------
    Tensor
        Guided logits, of shape (B, V), in 32-bit floats. They differ from the equation's log-probabilities
        by a constant per row, which the softmax takes away.
    """
    conditional = conditional.float()  # (B, V)
    unconditional = unconditional.float()  # (B, V)
    guided = unconditional + scale[:, None] * (conditional - unconditional)  # (B, V)
    return torch.where(scale[:, None] == 1, conditional, guided)  # (B, V), exact at scale 1


def plausible(scores: Tensor, conditional: Tensor, *, share: Tensor) -> Tensor:
    """Rule out tokens that are implausible under the prompt alone.

    Parameters
    ----------
    scores
        Guided logits, of shape (B, V).
    conditional
        Conditional logits, of shape (B, V).
    share
        The least share of the likeliest token's conditional probability, of shape (B,); 0 rules out nothing.

    Returns
    -------
    Tensor
        ``scores`` with minus infinity where ``p(w) < share * max p``, of shape (B, V).

    Notes
    -----
    The adaptive plausibility constraint of Li et al. 2023, *Contrastive Decoding*, arXiv 2210.15097.
    """
    if not bool((share > 0).any()):
        return scores
    least = conditional.float().amax(-1) + share.log()  # (B,), minus infinity at share 0
    return scores.masked_fill(conditional.float() < least[:, None], -torch.inf)  # (B, V)
