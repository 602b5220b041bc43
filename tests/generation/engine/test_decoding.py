"""What a completion may ask for beyond a length and a temperature."""

import pytest

from generation.engine import Engine
from generation.spec import CompletionRequest, FinishReason, Generated, Negative, SpecError


def write(engine: Engine, *requests: CompletionRequest) -> dict[int, Generated]:
    batches = [requests]
    results = engine.generate(lambda _: batches.pop() if batches else [], lambda _: None)
    return {result.key: result for result in results}


def test_a_stop_text_ends_the_completion_and_is_no_part_of_it(tiny_engine: Engine, make_request) -> None:
    free = write(tiny_engine, make_request(1, text="Once", max_new_tokens=60))[1]
    stop = free.text[20:23]
    begins = free.text.index(stop)

    stopped = write(tiny_engine, make_request(1, text="Once", max_new_tokens=60, stop=(stop, "never")))[1]

    assert stopped.finish_reason is FinishReason.STOP
    assert stopped.text == free.text[:begins]
    assert stopped.token_ids == free.token_ids[: len(stopped.token_ids)]
    assert len(stopped.token_ids) < len(free.token_ids)


def test_a_stop_text_leaves_neighbours_alone(tiny_engine: Engine, make_request) -> None:
    other = make_request(2, text="It was", max_new_tokens=40)
    alone = write(tiny_engine, other)[2]
    stop = write(tiny_engine, make_request(1, text="Once", max_new_tokens=60))[1].text[5:7]

    together = write(tiny_engine, make_request(1, text="Once", max_new_tokens=60, stop=(stop,)), other)

    assert together[2].token_ids == alone.token_ids


def test_guidance_of_the_beginning_only_goes_on_as_standard_sampling(
    tiny_engine: Engine, make_request
) -> None:
    guided = {"guidance_scale": 3, "negative": Negative.LAST_TOKEN, "temperature": 0}
    whole = write(tiny_engine, make_request(1, text="Once upon", max_new_tokens=30, **guided))[1]

    begun = write(
        tiny_engine, make_request(1, text="Once upon", max_new_tokens=30, guided_tokens=6, **guided)
    )[1]

    # Oracle: what standard sampling writes after the prompt and the six guided tokens.
    tokenizer = tiny_engine.loaded.tokenizer
    rest = make_request(
        2, text="Once upon" + tokenizer.decode(whole.token_ids[:6]), max_new_tokens=24, temperature=0
    )
    read_again = tokenizer(rest.text, add_special_tokens=False).input_ids[-6:] == list(whole.token_ids[:6])
    assert begun.token_ids[:6] == whole.token_ids[:6]
    assert begun.token_ids != whole.token_ids
    if read_again:
        assert begun.token_ids[6:] == write(tiny_engine, rest)[2].token_ids
    # The unconditional row has one prompt token and reads five of the new ones.
    per_token = 2 * tiny_engine.loaded.parameters
    assert begun.forward_flops == per_token * (begun.prompt_tokens + len(begun.token_ids) - 1 + 1 + 5)


def test_the_type_of_the_weights_is_the_arms_choice(tiny_engine: Engine, make_request) -> None:
    requests = [
        make_request(1, text="Once", max_new_tokens=5),
        make_request(2, text="Once", max_new_tokens=5, dtype="bfloat16"),
        make_request(3, text="Once", max_new_tokens=5, dtype="float32"),
    ]

    results = write(tiny_engine, *requests)

    assert {key: result.provenance["dtype"] for key, result in results.items()} == {
        1: "float32",
        2: "bfloat16",
        3: "float32",
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"guided_tokens": 5}, "guided_tokens needs a guidance scale other than 1"),
        ({"dtype": "int8"}, "dtype is 'int8'; it must be one of float32, bfloat16, float16, or absent"),
        ({"stop": ("",)}, "stop must hold at most 8 texts, none of them empty"),
        ({"stop": ("x",) * 9}, "stop must hold at most 8 texts, none of them empty"),
    ],
)
def test_nonsense_is_refused_with_a_reason(make_request, fields, said: str) -> None:
    with pytest.raises(SpecError, match=said.replace(".", r"\.")):
        make_request(1, **fields)
