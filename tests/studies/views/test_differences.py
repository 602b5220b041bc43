"""The words that differ, marked only where the study asks for it."""

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from studies.views.differences import differences
from tests.factories import open_study


def marked(parts) -> list[str]:
    return [part.text for part in parts if part.differs]


def test_the_words_of_one_that_the_other_lacks_are_marked():
    first, second = differences("the old cat sat", "the cat sat down")

    assert "".join(marked(first)).split() == ["old"]
    assert "".join(marked(second)).split() == ["down"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_marking_changes_no_text_and_swaps_with_the_sides(one, other):
    first, second = differences(one, other)

    assert ("".join(part.text for part in first), "".join(part.text for part in second)) == (one, other)
    assert "".join(marked(first)).strip() == "" or one != other


def test_very_long_responses_are_shown_unmarked():
    first, second = differences("a " * 5000, "b " * 5000)

    assert marked(first) + marked(second) == []


def page_of(study) -> str:
    client = Client()
    client.get(reverse("studies:annotate-start", args=[study.invite]))
    client.post(reverse("studies:annotate-consent", args=[study.invite]), {"agree": "on"})
    client.post(reverse("studies:annotate-instructions", args=[study.invite]))
    return client.get(reverse("studies:annotate-compare", args=[study.invite])).text


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [True, False])
def test_a_page_has_marks_only_if_the_study_asks(asked):
    text = page_of(open_study(comparisons=1, differences=asked))

    assert ("Mark the words that differ" in text, "<mark>" in text) == (asked, asked)
