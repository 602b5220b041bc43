"""Architectures, built small at random: they come out as in transformers, or are refused with a reason."""

import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaMLP

from generation.engine import CheckpointError, Engine, load, prepare
from generation.engine.scoring import Continuation, score
from generation.spec import CompletionRequest, DecodingSpec, Generated, Message, Negative, NoiseKey
from tests.generation import tiny

COMMON = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": tiny.CONTEXT,
    "initializer_range": 0.3,
    "eos_token_id": tiny.END,
    "pad_token_id": tiny.PAD,
    "bos_token_id": None,
}
ARCHITECTURES = {
    # Sliding windows of 8 tokens in every other layer.
    "Gemma3Text": COMMON | {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"] * 2},
    # Soft caps on scores, and sliding windows.
    "Gemma2": COMMON | {"sliding_window": 8, "query_pre_attn_scalar": 8},
    # A mixture of experts; norms on queries and keys.
    "Qwen3Moe": COMMON
    | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "decoder_sparse_step": 1},
    # Biases on queries, keys and values.
    "Qwen2": COMMON,
    "Mistral": COMMON | {"sliding_window": 8},
    "Phi3": COMMON,
}


def build(name: str, folder) -> Engine:
    config = getattr(transformers, f"{name}Config")(**ARCHITECTURES[name])
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    tiny.save(folder / "model", model)
    if name == "Gemma3Text":
        tiny.tokenizer(tiny.NO_SYSTEM_TEMPLATE).save_pretrained(folder / "model")
    return Engine(load(name, prepare(f"path:{folder / 'model'}", root=folder), device="cpu"), rows=8)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return build(request.param, tmp_path_factory.mktemp(request.param))


def write(engine: Engine, *requests: CompletionRequest) -> dict[int, tuple[int, ...]]:
    return {result.key: result.token_ids for result in run(engine, *requests)}


def run(engine: Engine, *requests: CompletionRequest) -> list[Generated]:
    batches = [requests]
    return list(engine.generate(lambda _: batches.pop() if batches else [], lambda _: None))


def by_transformers(
    engine: Engine, conditional: list[int], negative: list[int], scale: float
) -> tuple[int, ...]:
    """The oracle: transformers' `generate`, one row, greedily."""
    ids, other = torch.tensor([conditional]), torch.tensor([negative])
    written = engine.loaded.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=30,
        guidance_scale=scale if scale != 1 else None,
        negative_prompt_ids=other if scale != 1 else None,
        negative_prompt_attention_mask=torch.ones_like(other) if scale != 1 else None,
    )
    return tuple(written[0, ids.shape[1] :].tolist())


@pytest.mark.parametrize("scale", [0.0, 1.0, 1.5, 3.0])
def test_every_negative_and_scale_equals_transformers_side_by_side(engine: Engine, scale: float) -> None:
    noise, greedy = NoiseKey(1, "p", "a"), {"temperature": 0.0, "max_new_tokens": 30}
    guidance = {"guidance_scale": scale}
    text = "It was a dark and stormy night."
    turns = (Message("system", "Rhyme in every line."), Message("user", "Hello there"))
    tokenizer = engine.loaded.tokenizer
    ids = lambda words: tokenizer(words, add_special_tokens=False).input_ids  # noqa: E731
    chat = lambda *messages: ids(render(tokenizer, *messages))  # noqa: E731
    plain = CompletionRequest(
        1, DecodingSpec("t", **guidance, negative=Negative.LAST_TOKEN, **greedy), noise, text=text
    )
    default = CompletionRequest(
        2, DecodingSpec("t", **guidance, negative=Negative.DEFAULT_SYSTEM, **greedy), noise, messages=turns
    )
    worded = CompletionRequest(
        3,
        DecodingSpec("t", **guidance, negative=Negative.TEXT, negative_text="Be dull.", **greedy),
        noise,
        messages=turns,
    )

    written = write(engine, plain, default, worded)

    user = turns[1]
    assert written == {
        1: by_transformers(engine, ids(text), ids(text)[-1:], scale),
        2: by_transformers(engine, chat(*turns), chat(user), scale),
        3: by_transformers(engine, chat(*turns), chat(Message("system", "Be dull."), user), scale),
    }


def render(tokenizer, *turns: Message) -> str:
    """Render by the template; without a system role, the system text opens the user's turn."""
    if "no system role" in tokenizer.chat_template and turns[0].role == "system":
        turns = (Message("user", f"{turns[0].content}\n\n{turns[1].content}"), *turns[2:])
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Bloom", {"n_layer": 2, "n_head": 4, "hidden_size": 32}),
        ("Mamba", {"num_hidden_layers": 2, "hidden_size": 32}),
    ],
)
def test_attention_of_another_kind_is_refused_before_anything_is_written(tmp_path, name, fields) -> None:
    # Bloom adds a bias by distance to its scores; Mamba has a state in the place of keys and values.
    common = {"vocab_size": tiny.VOCABULARY, "eos_token_id": tiny.END, "pad_token_id": tiny.PAD}
    config = getattr(transformers, f"{name}Config")(**common, **fields)
    tiny.save(tmp_path / "model", transformers.AutoModelForCausalLM.from_config(config).eval())

    said = rf"other: {name}ForCausalLM comes out otherwise.*, so its kind of attention is not served\."

    with pytest.raises(CheckpointError, match=said):
        Engine(load("other", prepare(f"path:{tmp_path / 'model'}", root=tmp_path), device="cpu"))


def test_a_model_that_multiplies_by_itself_is_served_unpacked_and_says_so(
    tiny_folder, tmp_path, monkeypatch, make_request
) -> None:
    def forward(self, inputs):
        gate, up = (functional.linear(inputs, part.weight) for part in (self.gate_proj, self.up_proj))
        return functional.linear(self.act_fn(gate) * up, self.down_proj.weight)

    prepared, ask = prepare(f"path:{tiny_folder}", root=tmp_path), make_request(1, temperature=0)
    (expected,) = run(Engine(load("tiny", prepared, device="cpu")), ask)
    monkeypatch.setattr(LlamaMLP, "forward", forward)

    engine = Engine(load("tiny", prepared, device="cpu"))
    (written,) = run(engine, ask)

    assert (written.token_ids, written.provenance["packed"]) == (expected.token_ids, False)
    layer = engine.loaded.model.model.layers[0]
    assert type(layer.mlp.up_proj) is nn.Linear
    assert type(layer.self_attn.q_proj) is not nn.Linear
    assert expected.provenance["packed"]


def test_routers_that_multiply_by_themselves_leave_scores_as_transformers_has_them(tmp_path) -> None:
    # LongCat's routers do; its attention keeps latents, so that it is scored and not decoded.
    sizes = {"num_layers": 1, "num_key_value_heads": 4, "ffn_hidden_size": 64, "expert_ffn_hidden_size": 16}
    experts = {"moe_topk": 2, "n_routed_experts": 4, "zero_expert_num": 2}
    latents = {
        "q_lora_rank": 16,
        "kv_lora_rank": 8,
        "qk_nope_head_dim": 8,
        "qk_rope_head_dim": 4,
        "v_head_dim": 8,
    }
    common = {name: value for name, value in COMMON.items() if name != "num_hidden_layers"}
    torch.manual_seed(3)
    config = transformers.LongcatFlashConfig(**common | sizes | experts | latents | {"head_dim": 4})
    model = transformers.AutoModelForCausalLM.from_config(config).eval().requires_grad_(requires_grad=False)
    tiny.save(tmp_path / "model", model)
    loaded = load("longcat", prepare(f"path:{tmp_path / 'model'}", root=tmp_path), device="cpu")

    (found,) = score(loaded, [Continuation((5, 6, 7), (8, 9))])

    logits = model(torch.tensor([[5, 6, 7, 8]])).logits[0, -2:].log_softmax(-1)
    assert found.log_probability == pytest.approx(float(logits[0, 8] + logits[1, 9]), abs=1e-4)
    assert not loaded.packed
