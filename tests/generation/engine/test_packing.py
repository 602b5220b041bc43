import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from generation.engine import packing
from generation.engine.packing import PackedEmbedding, PackedLinear, pack, put_back


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


class TiedModel(nn.Module):
    """An embedding and an output layer of the same weights, and a layer that is read in its own way."""

    def __init__(self, rows: int, depth: int) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.embedding = nn.Embedding(rows, depth)
        self.inner = nn.Linear(depth, depth)
        self.output = nn.Linear(depth, rows, bias=False)
        self.output.weight = self.embedding.weight
        self.by_itself = False
        self.requires_grad_(requires_grad=False)

    def forward(self, ids):
        rows = self.embedding(ids)
        if self.by_itself:
            return self.output(nn.functional.linear(rows, self.inner.weight, self.inner.bias))
        return self.output(self.inner(rows))


@pytest.mark.parametrize(("rows", "depth"), [(258, 32), (1000, 96), (64, 40), (70, 33)])
def test_tied_embedding_reads_its_rows_out_of_the_packed_layer(rows: int, depth: int) -> None:
    model = TiedModel(rows, depth)
    table = model.embedding.weight.clone()
    ids = torch.randint(0, rows, (3, 50))

    pack(model)

    if not isinstance(model.embedding, PackedEmbedding):
        pytest.skip("this processor's layout is not one that rows are read out of")
    assert torch.equal(model.embedding(torch.arange(rows)), table)
    assert torch.equal(model.embedding(ids), table[ids])
    assert torch.equal(model.embedding.weight, table)
    assert not any(parameter.shape == table.shape for parameter in model.parameters())


def test_a_packed_model_can_be_told_to_tie_its_weights_as_transformers_does(tiny_loaded) -> None:
    ids = torch.arange(9)[None]
    expected = tiny_loaded.model(ids).logits

    tiny_loaded.model.tie_weights()

    assert torch.equal(tiny_loaded.model(ids).logits, expected)


def test_layout_that_is_not_as_supposed_leaves_the_embedding_alone(monkeypatch) -> None:
    monkeypatch.setattr(packing, "_same", lambda *_: False)
    model = TiedModel(258, 32)
    table = model.embedding.weight.clone()

    pack(model)

    assert type(model.embedding) is nn.Embedding
    assert torch.equal(model.embedding.weight, table)


def test_only_what_a_model_multiplies_by_itself_is_put_back() -> None:
    model = TiedModel(258, 32)
    model.by_itself = True
    ids, inner = torch.arange(9), model.inner.weight.clone()
    expected = model(ids)

    pack(model)

    assert put_back(model, lambda: model(ids))
    assert type(model.inner) is nn.Linear
    assert torch.equal(model.inner.weight, inner)
    assert isinstance(model.output, PackedLinear)
    assert torch.allclose(model(ids), expected, atol=1e-5)


def test_a_model_that_cannot_read_when_packed_is_unpacked_as_it_was() -> None:
    model = TiedModel(258, 32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pack(model)

    assert put_back(model, lambda: model(None))

    assert {type(part) for part in model.children()} == {nn.Embedding, nn.Linear}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.embedding.weight.data_ptr() == model.output.weight.data_ptr()


def test_a_model_that_leaves_the_weights_to_their_layers_stays_packed() -> None:
    model = TiedModel(258, 32)
    pack(model)

    assert not put_back(model, lambda: model(torch.arange(9)))
    assert isinstance(model.inner, PackedLinear)
