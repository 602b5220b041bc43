"""Weights laid out once for the processor at hand, for matrix products of one and the same order.

On a CPU, oneDNN takes weights that were reordered beforehand. It uses the widest instructions that the
processor has, whoever made it, and it adds up a row's products in an order that does not depend on how many
rows there are: so a completion does not depend on its neighbours.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

_LAYOUT_ROWS = 96
"""The number of rows that the layout is chosen for; others are served as well."""
_LEAST_ROWS = 2
"""One row alone would go through a matrix-vector product, which adds up in another order."""


class PackedLinear(nn.Module):
    """A linear layer whose weights are laid out for the processor; for inference only."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _LAYOUT_ROWS)  # noqa: SLF001
        self.bias = bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the layer's output, of shape (..., O), for inputs of shape (..., I)."""
        rows = inputs.reshape(-1, self.in_features)  # (N, I)
        count = len(rows)
        if count < _LEAST_ROWS:
            rows = torch.cat([rows, rows.new_zeros(_LEAST_ROWS - count, self.in_features)])
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001 - as torch's own compiler calls it
            rows, self.weight, self.bias, "none", [], ""
        )
        return outputs[:count].view(*inputs.shape[:-1], self.out_features)


def pack(model: nn.Module) -> bool:
    """Lay out the weights of all linear layers; return whether that could be done.

    Parameters
    ----------
    model
        Changed in place: its `nn.Linear` and `Conv1D` layers become `PackedLinear`, and their dense weights
        are let go, but for those that an embedding shares.

    Notes
    -----
    Only 32-bit floats on a CPU are packed; whatever else stays as it is. The layout belongs to oneDNN
    (https://uxlfoundation.github.io/oneDNN/), and torch's operators for it are those that its compiler
    emits for frozen weights.
    """
    first = next(model.parameters())
    if first.device.type != "cpu" or first.dtype != torch.float32 or not _known():
        return False
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            packed = _packed(child)
            if packed is not None:
                setattr(parent, name, packed)
    for parameter in model.parameters():
        # What stays moves out of the mapped file, so that the rest of the file can go.
        parameter.data = parameter.data.clone()
    return True


def _packed(layer: Any) -> PackedLinear | None:
    bias = getattr(layer, "bias", None)
    if type(layer) is nn.Linear:
        return PackedLinear(layer.weight.detach(), bias)
    if type(layer) is Conv1D:
        return PackedLinear(layer.weight.detach().T, bias)
    return None


def _known() -> bool:
    """Whether this build of torch has oneDNN and the two operators."""
    operators = torch.ops.mkldnn
    names = ("_reorder_linear_weight", "_linear_pointwise")
    built: bool = torch._C._has_mkldnn  # noqa: SLF001 - what torch.backends.mkldnn asks
    return built and all(hasattr(operators, name) for name in names)
