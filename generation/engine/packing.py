"""Weights laid out once for the processor at hand, for matrix products of one and the same order.

On a CPU, oneDNN takes weights that were reordered beforehand. It uses the widest instructions that the
processor has, whoever made it, and it adds up a row's products in an order that does not depend on how many
rows there are: so a completion does not depend on its neighbours.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

_LAYOUT_ROWS = 96
"""The number of rows that the layout is chosen for; others are served as well."""
_LEAST_ROWS = 2
"""One row alone would go through a matrix-vector product, which adds up in another order."""
_WIDTHS = (64, 48, 32, 24, 16, 8)
"""How many of a layer's outputs may lie together in a layout, by the processor's instructions."""


class PackedLinear(nn.Module):
    """A linear layer whose weights are laid out for the processor; for inference only."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _LAYOUT_ROWS)  # noqa: SLF001
        self.bias = bias
        self.read = False
        """Whether the model took the weights themselves."""

    @property
    def weight(self) -> Tensor:
        """The weights as they were, made anew for a model that multiplies with them by itself."""
        self.read = True
        dense: Tensor = self.laid_out.to_dense()
        return dense

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the layer's output, of shape (..., O), for inputs of shape (..., I)."""
        rows = inputs.reshape(-1, self.in_features)  # (N, I)
        count = len(rows)
        if count < _LEAST_ROWS:
            rows = torch.cat([rows, rows.new_zeros(_LEAST_ROWS - count, self.in_features)])
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001 - as torch's own compiler calls it
            rows, self.laid_out, self.bias, "none", [], ""
        )
        return outputs[:count].view(*inputs.shape[:-1], self.out_features)

    def unpacked(self) -> nn.Linear:
        """Return the layer as torch has it."""
        layer = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        layer.weight = nn.Parameter(self.laid_out.to_dense(), requires_grad=False)
        if self.bias is not None:
            layer.bias = nn.Parameter(self.bias, requires_grad=False)
        return layer


class PackedEmbedding(nn.Module):
    """An embedding that reads its rows out of the packed output layer that has the same weights.

    Parameters
    ----------
    layer
        The output layer.
    table
        Its weights as oneDNN holds them, of shape (blocks, inputs, outputs in a block).
    """

    def __init__(self, layer: PackedLinear, table: Tensor) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = layer.out_features, layer.in_features
        self._layer = [layer]  # In a list, so that it is not this module's part as well.
        self._table = table

    @property
    def weight(self) -> Tensor:
        """The weights as they were."""
        return self._layer[0].weight

    def reads(self, layer: PackedLinear) -> bool:
        """Whether it reads its rows out of a layer."""
        return self._layer[0] is layer

    def forward(self, ids: Tensor) -> Tensor:
        """Return the rows of some tokens, of shape (..., D)."""
        width = self._table.shape[-1]
        return self._table[ids // width, : self.embedding_dim, ids % width]


def pack(model: nn.Module) -> bool:
    """Lay out the weights of all linear layers; return whether that could be done.

    Parameters
    ----------
    model
        Changed in place: its `nn.Linear` and `Conv1D` layers become `PackedLinear`, and their dense weights
        are let go. An embedding that shares its weights with one of them reads them there.

    Notes
    -----
    Only 32-bit floats on a CPU are packed; whatever else stays as it is. The layout belongs to oneDNN
    (https://uxlfoundation.github.io/oneDNN/), and torch's operators for it are those that its compiler
    emits for frozen weights.
    """
    first = next(model.parameters())
    if first.device.type != "cpu" or first.dtype != torch.float32 or not _known():
        return False
    layers = {}
    for parent, name, child in _parts(model):
        packed = _packed(child)
        if packed is not None:
            setattr(parent, name, packed)
            layers[child.weight.data_ptr()] = packed
    for parent, name, child in _parts(model):
        if type(child) is nn.Embedding and child.weight.data_ptr() in layers:
            setattr(parent, name, _reading(child, layers[child.weight.data_ptr()]))
    for parameter in model.parameters():
        # What stays moves out of the mapped file, so that the rest of the file can go.
        parameter.data = parameter.data.clone()
    if hasattr(model, "tie_weights"):
        # transformers' own would look for the dense weights, which are gone.
        cast("Any", model).tie_weights = _tied
    return True


def put_back(model: nn.Module, trial: Callable[[], object]) -> bool:
    """Unpack the layers whose weights a model takes and multiplies by itself; return whether there are any.

    Parameters
    ----------
    model
        A model that `pack` has changed.
    trial
        Lets the model read something. All its layers are unpacked when that fails.
    """
    layers = [part for part in model.modules() if isinstance(part, PackedLinear)]
    for layer in layers:
        layer.read = False
    try:
        trial()
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        wanted = layers
    else:
        wanted = [layer for layer in layers if layer.read]
    for layer in wanted:
        _unpack(model, layer)
    return bool(wanted)


def _unpack(model: nn.Module, layer: PackedLinear) -> None:
    """Put a layer back, and the embedding that reads its rows there."""
    dense = layer.unpacked()
    for parent, name, child in _parts(model):
        if child is layer:
            setattr(parent, name, dense)
        elif isinstance(child, PackedEmbedding) and child.reads(layer):
            setattr(parent, name, nn.Embedding(layer.out_features, layer.in_features, _weight=dense.weight))


def _parts(model: nn.Module) -> list[tuple[nn.Module, str, Any]]:
    """Return every module within a model, after the one that it belongs to and its name there."""
    return [(parent, name, child) for parent in model.modules() for name, child in parent.named_children()]


def _tied(*_: object, **__: object) -> None:
    """Say nothing to a request to share weights: they are shared for good."""


def _packed(layer: Any) -> PackedLinear | None:
    bias = getattr(layer, "bias", None)
    if type(layer) is nn.Linear:
        return PackedLinear(layer.weight.detach(), bias)
    if type(layer) is Conv1D:
        return PackedLinear(layer.weight.detach().T, bias)
    return None


def _reading(embedding: nn.Embedding, layer: PackedLinear) -> nn.Module:
    """Return an embedding that reads a packed layer's weights; the given one when their layout is another.

    The layout is tried, not believed: every row has to come out as it was.
    """
    rows, depth = embedding.weight.shape
    numbers = torch.ops.mkldnn._nbytes(layer.laid_out) // embedding.weight.element_size()  # noqa: SLF001
    held = (ctypes.c_float * numbers).from_address(torch.ops.mkldnn.data_ptr(layer.laid_out))
    flat = torch.frombuffer(held, dtype=torch.float32)
    for width in _WIDTHS:
        blocks = -(-rows // width)
        if numbers % (blocks * width) or numbers // (blocks * width) < depth:
            continue
        table = flat.view(blocks, -1, width)
        if _same(table, embedding.weight):
            return PackedEmbedding(layer, table)
    return embedding


def _same(table: Tensor, weight: Tensor) -> bool:
    """Whether a layout holds these weights; block by block, so that no second copy of them is made."""
    width, depth = table.shape[-1], weight.shape[1]
    pieces = zip(table, torch.split(weight, width), strict=True)
    return all(torch.equal(block[:depth, : len(piece)].T, piece) for block, piece in pieces)


def _known() -> bool:
    """Whether this build of torch has oneDNN and the operators."""
    operators = torch.ops.mkldnn
    names = ("_reorder_linear_weight", "_linear_pointwise", "_nbytes", "data_ptr")
    built: bool = torch._C._has_mkldnn  # noqa: SLF001 - what torch.backends.mkldnn asks
    return built and all(hasattr(operators, name) for name in names)
