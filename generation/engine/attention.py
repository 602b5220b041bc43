"""Attention over slots, put in the place of transformers' own.

A checkpoint's layers call the attention that its configuration names, with the keys and values that its
cache returns. Our cache (`generation.engine.slots.Slots`) returns a handle instead, and the handle attends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface

_NAME = "evenhand"


def _attend(  # noqa: PLR0913 - the signature that transformers calls
    module: nn.Module,
    query: Tensor,
    key: Any,
    value: Any,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return the attention's output, of shape (1, N, H, D), and no weights."""
    del module, value, attention_mask
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return key.attend(query, scale=scale, window=sliding_window, softcap=softcap), None


AttentionInterface.register(_NAME, _attend)


@contextmanager
def slot_attention(model: Any) -> Iterator[None]:
    """Let a model's layers attend over slots within the block."""
    configs = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}
    before = [(config, config._attn_implementation) for config in configs.values()]  # noqa: SLF001
    try:
        for config, _ in before:
            config._attn_implementation = _NAME  # noqa: SLF001 - as transformers' own switch does
        yield
    finally:
        for config, name in before:
            config._attn_implementation = name  # noqa: SLF001
