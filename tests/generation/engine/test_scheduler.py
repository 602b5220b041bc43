import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

from generation.engine import Engine, load, prepare, scheduler
from generation.engine import decoding as decoding_module
from generation.spec import (
    Beat,
    CompletionRequest,
    Failed,
    FinishReason,
    Generated,
    Message,
    Negative,
    NoiseKey,
)
from tests.generation import tiny


def run(
    engine: Engine, requests: Sequence[CompletionRequest], beat: Beat = lambda _: None
) -> dict[int, Generated | Failed]:
    batches = [requests]
    return {done.key: done for done in engine.generate(lambda _: batches.pop() if batches else [], beat)}


def texts(results: dict[int, Generated | Failed]) -> dict[int, tuple[int, ...]]:
    return {key: result.token_ids for key, result in sorted(results.items())}


@pytest.fixture
def mixed(make_request) -> list[CompletionRequest]:
    """Every kind of row side by side, of many lengths."""
    return [
        make_request(1, user="Hello there", max_new_tokens=20),
        make_request(2, system="Rhyme.", user="Hi", max_new_tokens=30, temperature=0.7, top_p=0.9),
        make_request(
            3,
            system="Rhyme always, and at great length.",
            user="Hi",
            guidance_scale=1.5,
            negative=Negative.DEFAULT_SYSTEM,
            max_new_tokens=25,
        ),
        make_request(4, text="Once upon a time", temperature=0, max_new_tokens=40),
        make_request(
            5, text="It was", guidance_scale=3, negative=Negative.LAST_TOKEN, temperature=0, max_new_tokens=9
        ),
        make_request(
            6,
            system="Shout.",
            user="Who are you? " * 5,
            guidance_scale=2,
            negative=Negative.TEXT,
            negative_text="Whisper, and say as little as you can.",
            top_k=40,
            min_p=0.02,
            plausibility=0.1,
            max_new_tokens=33,
        ),
        make_request(
            7, system="Go.", user="Hm", guidance_scale=0, negative=Negative.DEFAULT_SYSTEM, max_new_tokens=12
        ),
    ]


def test_fused_rows_equal_one_at_a_time(tiny_engine: Engine, mixed) -> None:
    alone = {request.key: run(tiny_engine, [request])[request.key] for request in mixed}

    together = run(tiny_engine, mixed)

    assert texts(together) == texts(alone)
    assert {key: done.finish_reason for key, done in together.items()} == (
        {key: done.finish_reason for key, done in alone.items()}
    )


def test_completions_do_not_depend_on_slot_or_neighbours(tiny_loaded, mixed) -> None:
    rng = np.random.default_rng(4)
    expected = texts(run(Engine(tiny_loaded, rows=32), mixed))

    for rows in (2, 3, 5, 11):
        shuffled = [mixed[index] for index in rng.permutation(len(mixed))]
        assert texts(run(Engine(tiny_loaded, rows=rows), shuffled)) == expected


def test_prompts_are_read_in_pieces_without_a_difference(
    tiny_engine: Engine, mixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = texts(run(tiny_engine, mixed))

    monkeypatch.setattr(decoding_module, "_PIECE", {"cpu": 1})

    assert texts(run(tiny_engine, mixed)) == expected


@pytest.mark.parametrize("scale", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("text", ["Once upon a time", "It was the best of times"])
def test_greedy_decoding_equals_transformers(tiny_engine: Engine, make_request, scale, text) -> None:
    # Oracle: transformers' own loop and its UnbatchedClassifierFreeGuidanceLogitsProcessor, batch 1, fp32.
    loaded = tiny_engine.loaded
    ids = torch.tensor([loaded.tokenizer(text, add_special_tokens=False).input_ids])
    guided = {"guidance_scale": scale, "negative": Negative.LAST_TOKEN} if scale != 1 else {}
    expected = loaded.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=60,
        guidance_scale=scale if scale != 1 else None,
        negative_prompt_ids=ids[:, -1:] if scale != 1 else None,
        negative_prompt_attention_mask=torch.ones_like(ids[:, -1:]) if scale != 1 else None,
    )

    result = run(tiny_engine, [make_request(1, text=text, temperature=0, max_new_tokens=60, **guided)])[1]

    assert result.token_ids == tuple(expected[0, ids.shape[1] :].tolist())


def test_coupled_arms_at_scale_one_write_the_same(tiny_engine: Engine, make_request) -> None:
    noise = NoiseKey(7, "prompt", "coupled")
    standard = make_request(1, system="Rhyme.", noise=noise, max_new_tokens=40)
    guided = make_request(
        2,
        system="Rhyme.",
        noise=noise,
        max_new_tokens=40,
        guidance_scale=1,
        negative=Negative.DEFAULT_SYSTEM,
    )

    results = run(tiny_engine, [standard, guided])

    assert results[1].token_ids == results[2].token_ids


def test_replicates_differ(tiny_engine: Engine, make_request) -> None:
    requests = [make_request(n, noise=NoiseKey(7, "prompt", "arm", n), max_new_tokens=20) for n in range(5)]

    assert len({result.token_ids for result in run(tiny_engine, requests).values()}) == 5


def test_completion_ends_at_the_checkpoints_end_token(tiny_engine: Engine, make_request) -> None:
    requests = [
        make_request(n, noise=NoiseKey(n, "p", "a"), temperature=5, max_new_tokens=200) for n in range(20)
    ]

    stopped = [r for r in run(tiny_engine, requests).values() if r.finish_reason is FinishReason.STOP]

    assert len(stopped) > 3
    assert {result.token_ids.index(tiny.END) for result in stopped} == {
        len(result.token_ids) - 1 for result in stopped
    }
    assert not any("<end>" in result.text for result in stopped)


def test_completion_ends_where_the_context_is_full(tiny_engine: Engine, make_request) -> None:
    text = "x" * (tiny.CONTEXT - 5)

    result = run(tiny_engine, [make_request(1, text=text, temperature=0, max_new_tokens=50)])[1]

    assert (result.finish_reason, len(result.token_ids)) == (FinishReason.LENGTH, 5)


def test_prompt_beyond_the_context_fails_alone(tiny_engine: Engine, make_request) -> None:
    requests = [make_request(1, text="x" * 300), make_request(2, text="Hello", max_new_tokens=3)]

    results = run(tiny_engine, requests)

    assert results[1] == Failed(1, "The prompt has 300 tokens and the checkpoint reads 256. Shorten it.")
    assert len(results[2].token_ids) == 3


def test_request_that_cannot_be_rendered_fails_alone(tiny_engine: Engine, make_request) -> None:
    refused = make_request(1, user="Hi", guidance_scale=2, negative=Negative.LAST_TOKEN)

    results = run(tiny_engine, [refused, make_request(2, text="Hello", max_new_tokens=3)])

    assert "last_token does not fit a conversation" in results[1].reason
    assert len(results[2].token_ids) == 3


def test_logits_that_are_no_numbers_fail(tmp_path, make_request) -> None:
    model = tiny.llama()
    with torch.no_grad():
        model.lm_head.weight[5] = torch.nan
    folder = tiny.save(tmp_path / "broken", model)
    engine = Engine(load("broken", prepare(f"path:{folder}", root=tmp_path), device="cpu"))

    result = run(engine, [make_request(1, text="Hello")])[1]

    assert "not finite numbers" in result.reason


def _little_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let batches decode at most so many rows."""
    forward = decoding_module.Batch._forward

    def through(self, tokens, positions, kept):
        if self.row_count > most:
            message = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
            raise RuntimeError(message)
        return forward(self, tokens, positions, kept)

    monkeypatch.setattr(decoding_module.Batch, "_forward", through)


@pytest.mark.parametrize("most", [2, 3, 5])
def test_out_of_memory_halves_the_rows_and_loses_nothing(
    tiny_loaded, mixed, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = texts(run(Engine(tiny_loaded, rows=32), mixed))
    engine = Engine(tiny_loaded, rows=16)
    _little_memory(monkeypatch, most)

    assert texts(run(engine, mixed)) == expected
    assert engine.rows <= most + 1


def test_out_of_memory_alone_is_a_failure_with_a_reason(
    tiny_loaded, mixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    _little_memory(monkeypatch, 1)

    results = run(Engine(tiny_loaded, rows=16), mixed)

    assert {key for key, result in results.items() if isinstance(result, Failed)} == {3, 5, 6, 7}
    assert "Out of memory even alone" in results[3].reason


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    tiny_engine: Engine, make_request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        message = "shapes cannot be multiplied"
        raise RuntimeError(message)

    monkeypatch.setattr(decoding_module.Batch, "_forward", broken)

    with pytest.raises(RuntimeError, match="shapes"):
        run(tiny_engine, [make_request(1)])


def test_beat_hears_of_every_step_and_what_is_in_flight(tiny_engine: Engine, make_request) -> None:
    heard: list[dict[int, int]] = []
    requests = [make_request(1, text="ab", temperature=0, max_new_tokens=2)]
    requests.append(make_request(2, text="cd", temperature=0, max_new_tokens=4))

    run(tiny_engine, requests, lambda tokens: heard.append(dict(tokens)))

    assert heard == [{1: 0, 2: 0}, {1: 1, 2: 1}, {2: 2}, {2: 3}]


def test_free_rows_are_filled_while_others_are_in_flight(tiny_loaded, make_request) -> None:
    engine = Engine(tiny_loaded, rows=4)
    lengths = [30, 3, 3, 3, 3, 3, 3, 3]
    waiting = [make_request(n, text="ab", max_new_tokens=length) for n, length in enumerate(lengths)]
    in_flight: list[int] = []

    def fetch(rows: int) -> list[CompletionRequest]:
        return [waiting.pop(0) for _ in range(min(rows, len(waiting)))]

    results = list(engine.generate(fetch, lambda tokens: in_flight.append(len(tokens))))

    assert [result.key for result in results][-1] == 0
    # One step reads the prompts and 30 follow, in which the other three rows serve all the short ones.
    assert len(in_flight) == 30


def test_fetch_is_asked_again_until_it_has_no_more_and_nothing_flies(
    tiny_engine: Engine, make_request
) -> None:
    flying: list[set[int]] = [set()]
    asked: list[tuple[int, set[int]]] = []
    batches = iter([[make_request(1, max_new_tokens=2)], [], [make_request(2, max_new_tokens=2)], [], []])

    def fetch(rows: int) -> list[CompletionRequest]:
        asked.append((rows, flying[-1]))
        return next(batches)

    results = tiny_engine.generate(fetch, lambda tokens: flying.append(set(tokens)))

    assert [result.key for result in results] == [1, 2]
    # Free rows and an eighth more while one flies; then everything is asked for, twice in vain.
    assert [rows for rows, _ in asked] == [32, 31 + 4, 32, 31 + 4, 32]


def test_free_rows_are_asked_for_now_and_then_though_nothing_has_ended(
    tiny_engine: Engine, make_request, monkeypatch
) -> None:
    monkeypatch.setattr(scheduler, "_ASK_SECONDS", 0.0)
    # At first others were left their part; then they did not come.
    batches = iter([[make_request(1, max_new_tokens=9)], [], [make_request(2, max_new_tokens=9)]])
    flying: list[set[int]] = []

    list(tiny_engine.generate(lambda _: next(batches, []), lambda tokens: flying.append(set(tokens))))

    assert {1, 2} in flying


def test_flops_count_both_rows_and_every_token_read(tiny_engine: Engine, make_request) -> None:
    parameters = tiny_engine.loaded.parameters
    standard = make_request(1, text="abcd", temperature=0, max_new_tokens=3)
    guided = make_request(
        2, text="abcd", temperature=0, max_new_tokens=3, guidance_scale=2, negative=Negative.LAST_TOKEN
    )

    results = run(tiny_engine, [standard, guided])

    # 4 prompt tokens and the first 2 of 3 new ones; the unconditional row has 1 prompt token.
    assert results[1].forward_flops == 2 * parameters * 6
    assert results[2].forward_flops == 2 * parameters * (6 + 3)


def test_provenance_says_all_that_is_needed_to_write_it_again(tiny_engine: Engine, make_request) -> None:
    request = make_request(
        1, system="Rhyme.", user="Hi", guidance_scale=2, negative=Negative.DEFAULT_SYSTEM, max_new_tokens=15
    )
    first = run(tiny_engine, [request])[1]
    kept = first.provenance
    again = CompletionRequest(
        key=9,
        spec=type(request.spec).from_dict(kept["spec"]),
        noise=NoiseKey(**kept["noise"]),
        messages=(Message("system", "Rhyme."), Message("user", "Hi")),
    )

    assert run(tiny_engine, [again])[9].token_ids == first.token_ids
    assert (kept["conditional"], kept["unconditional"]) == (
        "[system]Rhyme.[/][user]Hi[/][assistant]",
        "[system]Be plain.[/][user]Hi[/][assistant]",
    )
    assert kept["weight_hash"] == tiny_engine.loaded.prepared.weight_hash
    assert (kept["checkpoint"], kept["device"], kept["dtype"], kept["rows"]) == ("tiny", "cpu", "float32", 2)
    assert sorted(kept["libraries"]) == ["tokenizers", "torch", "transformers"]


def test_closing_the_generator_ends_the_run(tiny_engine: Engine, make_request) -> None:
    requests: Iterator[list[CompletionRequest]] = (
        [make_request(n, max_new_tokens=2)] for n in itertools.count()
    )
    results = tiny_engine.generate(lambda _: next(requests), lambda _: None)

    first = next(results)
    results.close()

    assert first.key == 0
    assert list(results) == []
