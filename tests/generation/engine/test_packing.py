import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from generation.engine.packing import PackedLinear, pack


def linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(5)
    return nn.Linear(inputs, outputs, bias=bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 2, 7, 96])
def test_packed_layer_is_the_linear_layer(rows: int, bias: bool) -> None:  # noqa: FBT001
    # Oracle: torch's own linear layer, in 64-bit floats.
    layer = linear(40, 24, bias=bias)
    inputs = torch.randn(rows, 40)

    packed = PackedLinear(layer.weight.detach(), layer.bias)

    assert torch.allclose(packed(inputs).double(), layer.double()(inputs.double()), atol=1e-5)


def test_leading_dimensions_are_kept() -> None:
    layer = linear(40, 24)
    inputs = torch.randn(1, 5, 40)

    packed = PackedLinear(layer.weight.detach(), layer.bias)

    assert torch.allclose(packed(inputs), layer(inputs), atol=1e-5)


def test_a_row_comes_out_the_same_to_the_last_bit_beside_any_others() -> None:
    layer = linear(576, 1536, bias=False)
    rows = torch.randn(200, 576)
    packed = PackedLinear(layer.weight.detach(), None)
    together = packed(rows)

    for first, count in ((0, 1), (17, 1), (3, 2), (50, 5), (0, 31), (90, 97)):
        assert torch.equal(packed(rows[first : first + count]), together[first : first + count])


def test_linear_layers_and_their_transposed_kin_are_packed_and_nothing_else() -> None:
    model = nn.Sequential(linear(8, 8), nn.LayerNorm(8), nn.Sequential(Conv1D(6, 8)), nn.Embedding(4, 8))
    inputs = torch.randn(3, 8)
    expected = model[2](model[1](model[0](inputs)))

    done = pack(model.requires_grad_(requires_grad=False))

    assert done
    assert [type(part).__name__ for part in (model[0], model[1], model[2][0], model[3])] == [
        "PackedLinear",
        "LayerNorm",
        "PackedLinear",
        "Embedding",
    ]
    assert torch.allclose(model[2](model[1](model[0](inputs))), expected, atol=1e-5)


def test_other_types_stay_as_they_are() -> None:
    model = nn.Sequential(linear(8, 8)).to(torch.bfloat16)

    assert not pack(model)
    assert type(model[0]) is nn.Linear
