import pytest

from generation.engine.prompts import PromptError, chat_text, default_system, render
from generation.spec import CompletionRequest, Message, Negative, NoiseKey
from tests.generation import tiny

GUIDED = {"guidance_scale": 1.5}


def test_standard_arm_has_one_row(make_request) -> None:
    rows = render(make_request(1, system="Rhyme.", user="Hi"), tiny.tokenizer())

    assert rows.conditional == "[system]Rhyme.[/][user]Hi[/][assistant]"
    assert rows.unconditional_ids == ()


def test_default_system_negative_is_the_templates_own_default(make_request) -> None:
    request = make_request(1, system="Rhyme.", user="Hi", negative=Negative.DEFAULT_SYSTEM, **GUIDED)

    rows = render(request, tiny.tokenizer())

    assert rows.unconditional == "[system]Be plain.[/][user]Hi[/][assistant]"


def test_default_system_negative_without_a_default_has_no_system_prompt(make_request) -> None:
    request = make_request(1, system="Rhyme.", user="Hi", negative=Negative.DEFAULT_SYSTEM, **GUIDED)

    rows = render(request, tiny.tokenizer(tiny.NO_DEFAULT_TEMPLATE))

    assert rows.unconditional == "[user]Hi[/][assistant]"


def test_negative_text_stands_in_the_place_of_the_system_prompt(make_request) -> None:
    request = make_request(
        1, system="Rhyme.", user="Hi", negative=Negative.TEXT, negative_text="Prose.", **GUIDED
    )

    rows = render(request, tiny.tokenizer())

    assert rows.unconditional == "[system]Prose.[/][user]Hi[/][assistant]"


def test_template_without_system_role_gets_both_texts_in_the_first_user_turn(make_request) -> None:
    request = make_request(
        1, system="Rhyme.", user="Hi", negative=Negative.TEXT, negative_text="Prose.", **GUIDED
    )

    rows = render(request, tiny.tokenizer(tiny.NO_SYSTEM_TEMPLATE))

    assert rows.conditional == "[user]Rhyme.\n\nHi[/][assistant]"
    assert rows.unconditional == "[user]Prose.\n\nHi[/][assistant]"


def test_last_token_negative_is_the_last_token_of_a_plain_prompt(make_request) -> None:
    rows = render(make_request(1, text="Once", negative=Negative.LAST_TOKEN, **GUIDED), tiny.tokenizer())

    assert rows.unconditional == "e"
    assert rows.unconditional_ids == rows.conditional_ids[-1:]


def test_negative_text_of_a_plain_prompt_is_a_context_of_its_own(make_request) -> None:
    request = make_request(1, text="Once", negative=Negative.TEXT, negative_text="Never", **GUIDED)

    rows = render(request, tiny.tokenizer())

    assert rows.unconditional == "Never"


@pytest.mark.parametrize(
    ("prompt", "spec", "reason"),
    [
        ({"user": "Hi"}, {"negative": Negative.LAST_TOKEN}, "only announces the assistant"),
        ({"text": "Once"}, {"negative": Negative.DEFAULT_SYSTEM}, "has no system prompt"),
        ({"user": "Hi"}, {"negative": Negative.DEFAULT_SYSTEM}, "guidance would do nothing"),
        (
            {"user": "Hi", "system": "Be plain."},
            {"negative": Negative.DEFAULT_SYSTEM},
            "guidance would do nothing",
        ),
    ],
)
def test_a_negative_that_does_not_fit_is_refused_with_a_reason(make_request, prompt, spec, reason) -> None:
    with pytest.raises(PromptError, match=reason):
        render(make_request(1, **prompt, **spec, **GUIDED), tiny.tokenizer())


def test_conversation_needs_a_chat_template(make_request) -> None:
    with pytest.raises(PromptError, match="no chat template"):
        render(make_request(1, user="Hi"), tiny.tokenizer(""))


def test_prompt_is_a_conversation_or_a_text(make_request) -> None:
    both = CompletionRequest(1, make_request(1).spec, NoiseKey(1, "p", "a"), (Message("user", "Hi"),), "Once")

    with pytest.raises(PromptError, match="either"):
        render(both, tiny.tokenizer())


def test_reply_that_has_begun_is_continued() -> None:
    text = chat_text([Message("user", "Hi"), Message("assistant", "Well,")], tiny.tokenizer())

    assert text == "[system]Be plain.[/][user]Hi[/][assistant]Well,"


@pytest.mark.parametrize(
    ("template", "expected"),
    [(tiny.TEMPLATE, "Be plain."), (tiny.NO_DEFAULT_TEMPLATE, None), (tiny.NO_SYSTEM_TEMPLATE, None)],
)
def test_default_system_prompt_is_read_off_the_template(template: str, expected: str | None) -> None:
    assert default_system(tiny.tokenizer(template)) == expected


def test_special_tokens_are_not_added(make_request) -> None:
    rows = render(make_request(1, text="ab"), tiny.tokenizer())

    assert len(rows.conditional_ids) == 2
