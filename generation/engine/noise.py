"""Noise that can be redone: a function of what is drawn, not of when or beside whom.

The Gumbel noise of a token at a position is a hash of the study's seed, the prompt, the arm's stream,
the replicate, the position and the token's id. So a completion depends neither on its slot nor on its
neighbours, nor on the device's random state.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import torch
from torch import Tensor

from generation.spec import NoiseKey

_MASK = 0xFFFFFFFF
_SPREAD = 26.1
"""No token this far below the best score can win: Gumbel noise of 32 bits lies between -3.14 and 22.88."""


def words(key: NoiseKey, position: int) -> tuple[int, int]:
    """Return two 32-bit words for one draw of one completion."""
    text = json.dumps([asdict(key), position], sort_keys=True, ensure_ascii=True)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def hashed(tokens: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Hash token ids under two key words to uniform 32-bit integers.

    Parameters
    ----------
    tokens, first, second
        Of type int64 and one shape (N,); the words lie below 2**32.

    Returns
    -------
    Tensor
        Of type int64 and shape (N,), from 0 to 2**32 - 1.
    """
    return _mixed(_mixed((tokens + first) & _MASK) ^ second)


def gumbel(tokens: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return standard Gumbel noise, of shape (N,), in 64-bit floats; arguments as of `hashed`.

    Half a step is added to the integer, so that neither 0 nor 1, whose noise is infinite, can occur.
    """
    uniform = (hashed(tokens, first, second).double() + 0.5) / 2**32  # (N,)
    return -torch.log(-torch.log(uniform))


def draw(scores: Tensor, tokens: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Draw one token per row from the softmax of ``scores``, by the Gumbel maximum.

    Parameters
    ----------
    scores
        Logits of some tokens, of shape (B, K); minus infinity rules a token out.
    tokens
        Their ids, of shape (B, K).
    first, second
        The rows' key words, of type int64 and shape (B,).

    Returns
    -------
    Tensor
        Token ids, of shape (B,).

    Notes
    -----
    ``argmax(scores + gumbel)`` follows the softmax (Maddison, Tarlow and Minka 2014, *A* sampling*).
    Only tokens that can still win are hashed.
    """
    alive = scores > scores.amax(-1, keepdim=True) - _SPREAD  # (B, K)
    row, place = alive.nonzero(as_tuple=True)  # (N,), (N,)
    noisy = torch.full(scores.shape, -torch.inf, dtype=torch.float64, device=scores.device)
    noise = gumbel(tokens[row, place], first[row], second[row])  # (N,)
    noisy[row, place] = scores[row, place].double() + noise
    return tokens.gather(-1, noisy.argmax(-1, keepdim=True))[:, 0]


def _mixed(value: Tensor) -> Tensor:
    """Mix 32 bits so that each depends on all: the finalizer of MurmurHash3 (A. Appleby, public domain).

    Products pass 64 bits and wrap, which leaves their low 32 bits right.
    """
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & _MASK
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & _MASK
    return value ^ (value >> 16)
