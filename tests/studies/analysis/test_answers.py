"""Answers at the end of a chain of thought."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.answers import is_right, parsed_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Two and two.\nAnswer: 4", "4"),
        ("Two and two. answer: **4**\nThat is all.", "4"),
        ("Answer: 3? No. Answer: 4", "4"),
        ("Answer:\n\n4 boats", "4 boats"),
        ("Answer:", ""),
        ("It is four.", ""),
        ("", ""),
    ],
)
def test_the_answer_stands_behind_the_last_marker(text, answer):
    assert parsed_answer(text, "Answer:") == answer


def test_without_a_marker_there_is_no_answer():
    assert parsed_answer("Answer: 4", "") == ""


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("42", "42"),
        ("42.0", "42"),
        ("It is 42 boats.", "42"),
        ("1,200", "1200"),
        ("\N{MINUS SIGN}3", "-3"),
        ("1/2", "0.5"),
        ("0.5", "1/2"),
        ("B", "B"),
        ("(b) Paris", "B"),
        ("Yes, it does.", "yes"),
        ("Tuesday.", "Tuesday"),
        ("THE RED BOAT", "the red boat"),
    ],
)
def test_what_says_the_same_is_right(answer, right):
    assert is_right(answer, right)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("420", "42"),
        ("forty-two", "42"),
        ("", "42"),
        ("-42", "42"),
        ("1/0", "1"),
        ("Bees", "B"),
        ("A or B", "B"),
        ("Yesterday", "yes"),
        ("No", "yes"),
        ("", "yes"),
        ("not Tuesday", "Tuesday"),
    ],
)
def test_what_says_something_else_is_wrong(answer, right):
    assert not is_right(answer, right)


@given(st.text(), st.text(min_size=1))
def test_any_text_can_be_read(answer, right):
    assert is_right(answer, right) in (True, False)
    assert "\n" not in parsed_answer(f"{answer}\nAnswer: 4", "Answer:")
