from dataclasses import replace

import pytest
import torch

from generation.engine import Loaded, scoring
from generation.engine.scoring import Continuation, Score, score

WANTED = [
    Continuation((5, 6, 7, 8, 9), (10, 11), (9,)),
    Continuation((40,), (41, 42, 43, 44), (1, 2, 3)),
    Continuation(tuple(range(60, 90)), (7,), (89,)),
    Continuation((5, 6, 7, 8, 9), (12,), (9,)),
]


def by_hand(loaded: Loaded, one: Continuation, scale: float) -> tuple[float, bool]:
    """The equation in its own words: one row at a time, without padding, log-probabilities from the start."""

    def log_probabilities(context: tuple[int, ...]) -> torch.Tensor:
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([[*context, *one.tokens]])).logits[0]
        return logits.log_softmax(-1)[len(context) - 1 : -1]

    unconditional = log_probabilities(one.unconditional)
    guided = unconditional + scale * (log_probabilities(one.context) - unconditional)
    guided = guided.log_softmax(-1)
    likely = sum(float(row[token]) for row, token in zip(guided, one.tokens, strict=True))
    return likely, guided.argmax(-1).tolist() == list(one.tokens)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1.5, 3.0])
def test_scores_of_a_padded_batch_are_those_of_the_equation(tiny_loaded: Loaded, scale: float) -> None:
    expected = [by_hand(tiny_loaded, one, scale) for one in WANTED]

    scores = score(tiny_loaded, WANTED, scale=scale)

    assert [found.log_probability for found in scores] == pytest.approx(
        [likely for likely, _ in expected], abs=1e-4
    )
    assert [found.greedy for found in scores] == [greedy for _, greedy in expected]


def test_what_greedy_decoding_would_write_is_recognised(tiny_loaded: Loaded) -> None:
    context = (5, 6, 7)
    with torch.inference_mode():
        best = int(tiny_loaded.model(torch.tensor([context])).logits[0, -1].argmax())

    scores = score(tiny_loaded, [Continuation(context, (best,)), Continuation(context, (best ^ 1,))])

    assert [found.greedy for found in scores] == [True, False]


@pytest.mark.parametrize("rows", [1, 2, 32])
def test_scores_do_not_depend_on_how_many_are_read_together(tiny_loaded: Loaded, rows: int) -> None:
    alone = [score(tiny_loaded, [one], scale=1.5)[0] for one in WANTED]

    together = score(tiny_loaded, WANTED, scale=1.5, rows=rows)

    assert [found.log_probability for found in together] == pytest.approx(
        [found.log_probability for found in alone], abs=1e-4
    )


def test_scores_do_not_depend_on_the_side_that_the_tokenizer_pads(tiny_loaded: Loaded) -> None:
    before = tiny_loaded.tokenizer.padding_side
    found = []
    for side in ("left", "right"):
        tiny_loaded.tokenizer.padding_side = side
        found.append(score(tiny_loaded, WANTED, scale=1.5))
    tiny_loaded.tokenizer.padding_side = before

    assert found[0] == found[1]


def test_guided_probabilities_of_all_tokens_sum_to_one(tiny_loaded: Loaded) -> None:
    vocabulary = tiny_loaded.model.config.vocab_size
    every = [Continuation((5, 6, 7), (token,), (7,)) for token in range(vocabulary)]

    scores = score(tiny_loaded, every, scale=2.0, rows=vocabulary)

    logarithms = torch.tensor([found.log_probability for found in scores], dtype=torch.float64)
    assert float(logarithms.exp().sum()) == pytest.approx(1, abs=1e-4)


def test_a_context_that_is_too_long_loses_its_beginning(tiny_loaded: Loaded) -> None:
    long = tuple(index % 250 for index in range(tiny_loaded.context + 50))
    tokens = (3, 4)
    kept = long[-(tiny_loaded.context + 1 - len(tokens)) :]

    cut = score(tiny_loaded, [Continuation(long, tokens)])

    assert cut == score(tiny_loaded, [Continuation(kept, tokens)])


def test_memory_that_does_not_suffice_halves_the_rows(
    tiny_loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    real = scoring._batch

    def short_of_memory(loaded: Loaded, wanted: list[Continuation], scale: float) -> list[Score]:
        sizes.append(len(wanted))
        if len(wanted) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(loaded, wanted, scale)

    expected = score(tiny_loaded, WANTED)
    monkeypatch.setattr(scoring, "_batch", short_of_memory)

    found = score(tiny_loaded, WANTED)

    assert sizes == [4, 2, 1, 1, 1, 1]
    assert [one.greedy for one in found] == [one.greedy for one in expected]


def test_long_texts_are_read_in_smaller_batches(tiny_loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_LOGITS", 3 * 258)
    sizes: list[int] = []

    score(tiny_loaded, [Continuation((1,), (2, 3))] * 3 + [Continuation((1,), (2,))], tick=sizes.append)

    assert sizes == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Continuation((), (1,), (1,)), "at least one token"),
        (Continuation((1,), (), (1,)), "at least one token"),
        (Continuation((1,), (2,)), r"Guidance scale 1\.5 needs an unconditional context"),
        (Continuation((1,), (2,) * 257, (1,)), "257 tokens and the checkpoint reads 256"),
    ],
)
def test_what_cannot_be_scored_is_refused(tiny_loaded: Loaded, wanted: Continuation, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        score(tiny_loaded, [WANTED[0], wanted], scale=1.5)


def test_scale_one_needs_no_unconditional_context(tiny_loaded: Loaded) -> None:
    bare = [replace(one, unconditional=()) for one in WANTED]

    assert score(tiny_loaded, bare) == score(tiny_loaded, WANTED)
