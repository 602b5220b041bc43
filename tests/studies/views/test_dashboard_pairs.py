"""The pairs browser keeps researchers blinded until the study closes."""

import re

import pytest
from django.utils import timezone

from generation.models import Completion
from studies.domain.shown_pairs import blinded_pairs
from studies.enums import Slot
from tests import factories

pytestmark = pytest.mark.django_db

ARMS = ("kestrel-arm", "osprey-arm")
FIRST_COUNT = 70_010_001  # so long that no random id on a page holds its digits


def mark_completions(study) -> None:
    """Give every completion facts that would tell the arms apart."""
    for number, completion in enumerate(Completion.objects.filter(batch_key=study.key)):
        completion.token_count = FIRST_COUNT + number
        completion.save()


@pytest.mark.parametrize("make", [factories.ready_study, factories.open_study])
def test_before_closing_the_page_names_no_arm_and_no_fact_that_tells_them_apart(dashboard, make):
    study = make(arms=ARMS)
    mark_completions(study)

    page = dashboard.get(f"/studies/{study.slug}/pairs/").content.decode()

    assert page.count("about the sea.") == 12
    assert [
        word
        for word in (*ARMS, "70010001", "70,010,001", "ended by itself", "andidate", "aseline")
        if word in page
    ] == []


def test_before_closing_the_order_is_random_and_stays(dashboard):
    study = factories.ready_study(prompts=40)
    comparisons = list(study.comparisons.select_related("prompt", "candidate", "baseline"))

    first = blinded_pairs(study, comparisons, first=1)
    again = blinded_pairs(study, comparisons, first=1)

    in_a = [
        pair.responses[0].text == comparison.candidate.text
        for pair, comparison in zip(first, comparisons, strict=True)
    ]
    assert 8 < sum(in_a) < 32  # 20 expected; outside of this less than once in 5,000 draws
    assert [pair.responses for pair in first] == [pair.responses for pair in again]
    assert {pair.responses[0].slot for pair in first} == {Slot.A}


def test_after_closing_the_arms_the_facts_and_the_outcomes_are_shown(dashboard):
    study = factories.closed_study(arms=ARMS, comparisons=1, overlap=2, annotators=2, choice="A")
    mark_completions(study)

    page = dashboard.get(f"/studies/{study.slug}/pairs/").content.decode()

    assert [word for word in (*ARMS, "70,010,001 tokens", "70,010,002 tokens") if word in page] == [
        *ARMS,
        "70,010,001 tokens",
        "70,010,002 tokens",
    ]
    # Both said A, and the candidate stood once in A and once in B.
    assert "1 win, 0 ties, 1 loss" in page


def test_a_text_is_shown_as_text(dashboard):
    study = factories.ready_study(prompts=1)
    Completion.objects.filter(batch_key=study.key).update(
        text="<img src=//evil.example/x> <script>alert(1)</script>"
    )

    page = dashboard.get(f"/studies/{study.slug}/pairs/").content.decode()

    assert "&lt;img src=//evil.example/x&gt;" in page
    assert "<img" not in page


def test_ten_pairs_a_page_and_an_address_beyond_the_end_shows_the_last(dashboard):
    study = factories.ready_study(prompts=12)

    numbers = [
        len(
            re.findall(
                "<article", dashboard.get(f"/studies/{study.slug}/pairs/?page={page}").content.decode()
            )
        )
        for page in ("1", "2", "99", "x")
    ]

    assert numbers == [10, 2, 2, 10]


def test_the_scan_counts_pairs_and_links_to_them(dashboard):
    study = factories.ready_study(prompts=3)
    completion = study.comparisons.first().candidate
    completion.text = ""
    completion.save()

    page = dashboard.get(f"/studies/{study.slug}/pairs/?flag=empty").content.decode()

    assert "An empty response: 1 pair" in page
    assert page.count("<article") == 1


def test_a_search_without_a_result_leads_back_to_all(dashboard):
    study = factories.ready_study(prompts=1)

    page = dashboard.get(f"/studies/{study.slug}/pairs/?search=nowhere").content.decode()

    assert "No pair matches" in page
    assert 'value="nowhere"' in page


@pytest.mark.parametrize("query", ["search=%00", "stratum=x&flag=y", "page=-1", "flag=id", "search=%25"])
def test_odd_queries_are_harmless(dashboard, query):
    study = factories.ready_study(prompts=1)

    assert dashboard.get(f"/studies/{study.slug}/pairs/?{query}").status_code == 200


@pytest.mark.parametrize("unblinded_at", [None, timezone.now()])
def test_texts_are_shown_as_annotators_read_them(dashboard, unblinded_at):
    study = factories.ready_study(prompts=1, text_format="markdown", unblinded_at=unblinded_at)
    Completion.objects.filter(batch_key=study.key).update(text="**Bold** $x^2$ <b>tag</b>")
    study.prompts.update(messages=[{"role": "user", "content": "Solve $x^2$ in *two* steps."}])

    page = dashboard.get(f"/studies/{study.slug}/pairs/").content.decode()

    assert page.count("<strong>Bold</strong> <math") == 2
    assert page.count("&lt;b&gt;tag&lt;/b&gt;") == 2
    assert re.search(r"Solve <math .*</math>\W* in \*two\* steps\.", page)
