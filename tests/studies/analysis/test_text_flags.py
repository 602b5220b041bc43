"""What the quality scan sees in a text, and what it must not see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.text_flags import FLAGS, expected_language, findings
from tests.studies.analysis.test_language import TEXTS

PLAIN = "The ship is in the bay. It came last night, when nobody was awake, and left its lamps burning."


def flags(text, **options):
    return [finding.flag for finding in findings(text, **({"cut_off": False} | options))]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("Well.<|im_end|>", "special-tokens"),
        ("[INST] Well.", "special-tokens"),
        ("Well.</s>", "special-tokens"),
        ("<start_of_turn>user", "special-tokens"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m unable to provide medical advice.", "refusal"),
        ("I cannot assist you in this matter.", "refusal"),
        ("I must decline.", "refusal"),
        ("As an AI language model I see no sea.", "self-naming"),
        ("I'm just a language model.", "self-naming"),
        ("My name is SmolLM and I like the sea.", "self-naming"),
        ("I was trained by Hugging Face.", "self-naming"),
        ("no no no no no no", "repetition"),
        ("The sea is wide.\nThe sea is wide.\nThe sea is wide.\n", "repetition"),
        ("the boat is on the sea and " * 6, "repetition"),
        ("海の上に船がある。" * 8, "repetition"),
    ],
)
def test_each_rule_finds_what_it_is_for(text, flag):
    assert flags(text) == [flag]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "a < b > c and x <= y",
        "HTML has <p> and <b> and <span>.",
        "I cannot swim, so I stayed on the boat.",
        "The AI in the film says no. The model was made of wood.",
        "I am a pirate, not a poet.",
        "Row, row, row your boat.",
        "- salt\n- flour\n- salt\n",
    ],
)
def test_ordinary_text_has_no_flag(text):
    assert flags(text) == []


def test_a_refusal_that_is_quoted_late_is_none():
    text = (
        "It was a long story about a harbour and its people. First came the boats with their brown sails, "
        "then the carts, the horses, the dogs and at last the children, who wanted to see everything and "
        "were sent home before the lamps were lit on the pier. “I'm sorry, but I can't help you,” said she."
    )

    assert flags(text) == []


def test_what_was_cut_off_says_so():
    assert flags(PLAIN, cut_off=True) == ["cut-off"]


@pytest.mark.parametrize(
    ("prompt", "text", "found"),
    [
        ("English", TEXTS["German"], ["language"]),
        ("English", TEXTS["Chinese"], ["language"]),
        ("Cyrillic", TEXTS["English"], ["language"]),
        ("English", TEXTS["English"], []),
        ("English", "Arr!", []),
        (None, TEXTS["German"], []),
    ],
)
def test_another_language_than_the_prompts_is_flagged_only_when_both_are_known(prompt, text, found):
    assert flags(text, prompt_language=prompt) == found


@pytest.mark.parametrize("words", ["Answer in German.", "Translate this.", "Wie heißt das auf English?"])
def test_a_prompt_that_speaks_of_languages_expects_none(words):
    assert expected_language([TEXTS["English"]]) == "English"
    assert expected_language([TEXTS["English"], words]) is None


def test_a_reason_quotes_what_was_seen():
    (found,) = findings("the boat is on the sea and " * 6, cut_off=False)

    # 42 words make 39 sequences of four, 7 of them distinct: 32 of 39 came before, 82 %.
    assert found.reason == "82 % of its sequences of four words came before, “the boat is on” 6 times"


@given(st.text(), st.booleans())
def test_any_text_is_scanned_and_its_flags_are_known_and_come_once(text, cut_off):
    found = flags(text, cut_off=cut_off, prompt_language="English")

    assert len(set(found)) == len(found)
    assert set(found) <= set(FLAGS)
