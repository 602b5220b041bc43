"""Oracle throughout: lm-eval's own `hf` model around the same weights."""

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from generation.engine import Engine, Loaded
from generation.engine.prompts import PromptError
from generation.engine.scoring import Continuation, score
from generation.harness.adapter import GuidedLM, HarnessError
from generation.spec import Negative, SpecError

LONG = "The tide brings many things to our island. " * 12
PAIRS = [
    ("The kite was red. She flew the", " kite"),
    ("", "Once upon a time"),
    ("A space at the end ", "belongs to what follows"),
    (LONG, " and it takes some of them back"),
    ("The kite was red. She flew the", " dragon"),
]
CHAT = [{"role": "system", "content": "Rhyme."}, {"role": "user", "content": "Name a fish."}]


def ask(kind: str, *arguments: tuple) -> list[Instance]:
    return [Instance(kind, {}, one, index) for index, one in enumerate(arguments)]


@pytest.fixture
def hf(tiny_loaded: Loaded) -> HFLM:
    return HFLM(pretrained=tiny_loaded.model, tokenizer=tiny_loaded.tokenizer, batch_size=3)


def test_at_scale_one_continuations_score_as_in_the_harness(tiny_loaded: Loaded, hf: HFLM) -> None:
    expected = hf.loglikelihood(ask("loglikelihood", *PAIRS), disable_tqdm=True)

    found = GuidedLM(tiny_loaded).loglikelihood(ask("loglikelihood", *PAIRS), disable_tqdm=True)

    assert [one[0] for one in found] == pytest.approx([one[0] for one in expected], abs=1e-4)
    assert [one[1] for one in found] == [one[1] for one in expected]


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_whole_texts_score_as_in_the_harness(tiny_loaded: Loaded, hf: HFLM, scale: float) -> None:
    # No prompt, so the last token of the prompt has nothing to take away, whatever the scale.
    texts = [("A short text",), (LONG,)]
    expected = hf.loglikelihood_rolling(ask("loglikelihood_rolling", *texts), disable_tqdm=True)

    model = GuidedLM(tiny_loaded, scale=scale)
    found = model.loglikelihood_rolling(ask("loglikelihood_rolling", *texts), disable_tqdm=True)

    assert found == pytest.approx(expected, abs=1e-3)


def test_a_negative_text_changes_the_score_of_whole_texts(tiny_loaded: Loaded) -> None:
    asked = ask("loglikelihood_rolling", ("A short text",))
    standard = GuidedLM(tiny_loaded).loglikelihood_rolling(asked, disable_tqdm=True)

    model = GuidedLM(tiny_loaded, scale=1.5, negative=Negative.TEXT, negative_text="Dull.")

    assert abs(model.loglikelihood_rolling(asked, disable_tqdm=True)[0] - standard[0]) > 0.1


def test_texts_are_written_as_in_the_harness(tiny_loaded: Loaded, hf: HFLM) -> None:
    options = {"until": ["e"], "max_gen_toks": 20, "do_sample": False}
    asked = ask("generate_until", ("The kite", dict(options)), (LONG, dict(options)), ("A", dict(options)))
    expected = hf.generate_until(asked, disable_tqdm=True)

    found = GuidedLM(tiny_loaded).generate_until(asked, disable_tqdm=True)

    assert found == expected
    assert not any("e" in text for text in found)


@pytest.mark.parametrize("others", [0, 9])
def test_a_row_ends_at_the_first_of_its_stops_or_is_cut_there(
    tiny_loaded: Loaded, hf: HFLM, others: int, monkeypatch
) -> None:
    # More stops than an engine's request may have are cut at afterwards.
    options = {"until": [], "max_gen_toks": 60, "do_sample": False}
    whole = GuidedLM(tiny_loaded).generate_until(
        ask("generate_until", ("A", dict(options))), disable_tqdm=True
    )
    until = [f"~{number}" for number in range(others)] + [whole[0][20]]
    asked = ask("generate_until", ("A", options | {"until": until}))
    expected = hf.generate_until(asked, disable_tqdm=True)
    spent: list[int] = []
    generate = Engine.generate

    def noting(self, fetch, beat):
        for result in generate(self, fetch, beat):
            spent.append(len(result.token_ids))
            yield result

    monkeypatch.setattr(Engine, "generate", noting)

    found = GuidedLM(tiny_loaded).generate_until(asked, disable_tqdm=True)

    assert found == expected
    assert len(found[0]) <= 20
    assert spent[0] < 60


def test_repeats_of_a_sampled_request_differ_and_can_be_redone(tiny_loaded: Loaded) -> None:
    options = {"until": [], "max_gen_toks": 12, "do_sample": True, "temperature": 1.0}
    asked = ask("generate_until", *[("The kite", options)] * 3)

    first = GuidedLM(tiny_loaded, scale=1.5).generate_until(asked, disable_tqdm=True)
    again = GuidedLM(tiny_loaded, scale=1.5).generate_until(asked, disable_tqdm=True)

    assert len(set(first)) == 3
    assert again == first


def test_last_token_scores_are_guided_away_from_the_last_token(tiny_loaded: Loaded) -> None:
    context, continuation = PAIRS[0]
    model = GuidedLM(tiny_loaded, scale=1.5)
    ids = tuple(model.tok_encode(context))
    wanted = Continuation(ids, tuple(model.tok_encode(continuation)), ids[-1:])
    expected = score(tiny_loaded, [wanted], scale=1.5)

    found = model.loglikelihood(ask("loglikelihood", PAIRS[0]), disable_tqdm=True)

    assert found == [(expected[0].log_probability, expected[0].greedy)]


@pytest.mark.parametrize(
    ("negative", "text", "expected"),
    [
        (Negative.DEFAULT_SYSTEM, "", "[system]Be plain.[/][user]Name a fish.[/][assistant]"),
        (Negative.TEXT, "Bore us.", "[system]Bore us.[/][user]Name a fish.[/][assistant]"),
    ],
)
def test_negatives_of_conversations_take_the_place_of_the_system_prompt(
    tiny_loaded: Loaded, negative: Negative, text: str, expected: str
) -> None:
    model = GuidedLM(tiny_loaded, scale=1.5, negative=negative, negative_text=text)
    context = model.apply_chat_template(CHAT)

    unconditional = model._unconditional(context, model.tok_encode(context))

    assert context == "[system]Rhyme.[/][user]Name a fish.[/][assistant]"
    assert tiny_loaded.tokenizer.decode(unconditional) == expected


def test_a_conversation_is_written_from_its_turns(tiny_loaded: Loaded) -> None:
    options = {"until": [], "max_gen_toks": 8}
    standard = GuidedLM(tiny_loaded)
    guided = GuidedLM(tiny_loaded, scale=3, negative=Negative.DEFAULT_SYSTEM)
    texts = []
    for model in (standard, guided):
        context = model.apply_chat_template(CHAT)
        texts += model.generate_until(ask("generate_until", (context, dict(options))), disable_tqdm=True)

    assert texts[0] != texts[1]


def test_negative_text_takes_the_place_of_a_plain_prompt(tiny_loaded: Loaded) -> None:
    model = GuidedLM(tiny_loaded, scale=1.5, negative=Negative.TEXT, negative_text="Dull. ")

    assert model._unconditional("Prompt", [1]) == tuple(model.tok_encode("Dull. "))
    assert model._unconditional("Prompt ", [1]) == tuple(model.tok_encode("Dull."))


def test_last_token_of_a_conversation_is_refused(tiny_loaded: Loaded) -> None:
    model = GuidedLM(tiny_loaded, scale=1.5)
    context = model.apply_chat_template(CHAT)

    with pytest.raises(PromptError, match="last_token does not fit a conversation"):
        model.loglikelihood(ask("loglikelihood", (context, "Cod")), disable_tqdm=True)


def test_default_system_of_a_plain_prompt_is_refused(tiny_loaded: Loaded) -> None:
    model = GuidedLM(tiny_loaded, scale=1.5, negative=Negative.DEFAULT_SYSTEM)

    with pytest.raises(HarnessError, match="default_system needs conversations"):
        model.loglikelihood(ask("loglikelihood", PAIRS[0]), disable_tqdm=True)


def test_options_that_guided_decoding_has_not_are_named(tiny_loaded: Loaded) -> None:
    asked = ask("generate_until", ("The kite", {"until": ["."], "num_beams": 4}))

    with pytest.raises(HarnessError, match="decodes with num_beams"):
        GuidedLM(tiny_loaded).generate_until(asked, disable_tqdm=True)


def test_more_new_tokens_than_the_checkpoint_reads_are_refused(tiny_loaded: Loaded) -> None:
    asked = ask("generate_until", ("The kite", {"until": ["."], "max_gen_toks": 256}))

    with pytest.raises(HarnessError, match="256 new tokens"):
        GuidedLM(tiny_loaded).generate_until(asked, disable_tqdm=True)


def test_scale_and_negative_have_to_go_together(tiny_loaded: Loaded) -> None:
    with pytest.raises(SpecError, match="needs a negative"):
        GuidedLM(tiny_loaded, scale=1.5, negative=Negative.NONE)
