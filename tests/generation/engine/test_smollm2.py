"""The real SmolLM2-135M-Instruct, against transformers' own `generate`."""

import pytest
import torch

from generation.engine import Engine, Loaded
from generation.engine.prompts import render
from generation.spec import CompletionRequest, Negative

pytestmark = pytest.mark.model

LENGTH = 40
PIRATE = {"system": "Write as if you were a pirate.", "user": "Tell me about the ocean."}
SPECS = {
    "standard": {},
    "default system": {"guidance_scale": 1.5, "negative": Negative.DEFAULT_SYSTEM},
    "negative text": {
        "guidance_scale": 1.5,
        "negative": Negative.TEXT,
        "negative_text": "You are a dull encyclopedia.",
    },
}


def run(engine: Engine, requests: list[CompletionRequest]) -> dict[int, tuple[int, ...]]:
    batches = [requests]
    fetched = engine.generate(lambda _: batches.pop() if batches else [], lambda _: None)
    return {result.key: result.token_ids for result in fetched}


@pytest.mark.parametrize("name", SPECS)
def test_greedy_decoding_equals_transformers_token_for_token(
    smollm2: Loaded, make_request, name: str
) -> None:
    request = make_request(1, **PIRATE, **SPECS[name], temperature=0, max_new_tokens=LENGTH)
    rows = render(request, smollm2.tokenizer)
    ids = torch.tensor([rows.conditional_ids])
    negative = torch.tensor([rows.unconditional_ids]) if rows.unconditional_ids else None
    expected = smollm2.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=LENGTH,
        guidance_scale=request.spec.guidance_scale if negative is not None else None,
        negative_prompt_ids=negative,
        negative_prompt_attention_mask=None if negative is None else torch.ones_like(negative),
    )

    written = run(Engine(smollm2), [request])[1]

    assert written == tuple(expected[0, ids.shape[1] :].tolist())


def test_default_system_negative_is_what_the_template_puts_in(smollm2: Loaded, make_request) -> None:
    rows = render(make_request(1, **PIRATE, **SPECS["default system"]), smollm2.tokenizer)

    assert rows.unconditional == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nTell me about the ocean.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_fused_batch_equals_one_at_a_time(smollm2: Loaded, make_request) -> None:
    users = [
        "Tell me about the ocean.",
        "Why?",
        "How do I make coffee, and what could go wrong along the way?",
    ]
    arms = [
        SPECS["standard"] | {"temperature": 0},
        SPECS["default system"] | {"temperature": 0.7, "top_p": 0.95},
        SPECS["negative text"] | {"temperature": 1.0, "top_k": 50},
    ]
    requests = [
        make_request(10 * i + j, system=PIRATE["system"], user=user, max_new_tokens=24, **arm)
        for i, user in enumerate(users)
        for j, arm in enumerate(arms)
    ]
    alone = {}
    for request in requests:
        alone |= run(Engine(smollm2), [request])

    assert run(Engine(smollm2), requests) == alone


def test_guidance_changes_the_text(smollm2: Loaded, make_request) -> None:
    requests = [
        make_request(key, **PIRATE, **SPECS[name], temperature=0, max_new_tokens=LENGTH)
        for key, name in enumerate(["standard", "default system"])
    ]

    written = run(Engine(smollm2), requests)

    assert written[0] != written[1]
