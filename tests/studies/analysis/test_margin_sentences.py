"""No sentence claims more than its test: every decision, and the words that only it may use."""

import pytest

from studies.analysis.further import margins
from studies.analysis.noninferiority import Decision
from studies.analysis.sentence import equivalence_sentence, non_inferiority_sentence, sentence
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,outcome"


def result(wins, losses, *, people=8, margin=0.1):
    """Return a result with so many wins and losses, dealt out evenly to annotators and prompts."""
    said = ["win"] * wins + ["loss"] * losses
    total = len(said)
    # A stride that shares no factor with the total spreads both outcomes over all clusters.
    order = [said[(7 * k) % total] for k in range(total)]
    rows = [f"{k},p{k % (people + 3)},a{k % people},{word}" for k, word in enumerate(order)]
    return analyze(judgments_of(*rows, header=HEADER), margin=margin).headline


CASES = {
    # (wins, losses): two-sided, non-inferiority within 10 points, equivalence within 10 points
    (430, 171): ("superior", "non-inferior", "equivalence not shown"),
    (171, 430): ("inferior", "non-inferiority not shown", "equivalence not shown"),
    (601, 600): ("not shown", "non-inferior", "equivalent"),
    (12, 11): ("not shown", "non-inferiority not shown", "equivalence not shown"),
    (1270, 1131): ("superior", "non-inferior", "equivalent"),
    (1131, 1270): ("inferior", "non-inferior", "equivalent"),
}


@pytest.mark.parametrize(("counts", "decisions"), CASES.items())
def test_each_decision_has_its_own_words_and_no_stronger_ones(counts, decisions):
    found = result(*counts)
    two_sided, worse, same = (
        found.decision,
        found.margins.non_inferiority.decision,
        found.margins.equivalence.decision,
    )
    first, second, third = sentence(found), non_inferiority_sentence(found), equivalence_sentence(found)

    assert (two_sided, worse, same) == decisions
    assert ("Annotators preferred the candidate to" in first) == (two_sided == "superior")
    assert ("Annotators preferred the baseline to" in first) == (two_sided == "inferior")
    assert ("does not show that they are equally good" in first) == (two_sided == "not shown")
    assert ("The candidate was non-inferior to" in second) == (worse == Decision.NON_INFERIOR)
    assert ("It was not shown" in second) == (worse == Decision.NON_INFERIORITY_NOT_SHOWN)
    assert ("were equivalent" in third) == (same == Decision.EQUIVALENT)
    assert ("It was not shown" in third) == (same == Decision.EQUIVALENCE_NOT_SHOWN)


@pytest.mark.parametrize("counts", CASES)
def test_sentences_name_the_margin_and_the_limit_they_rest_on(counts):
    found = result(*counts)

    for text in (non_inferiority_sentence(found), equivalence_sentence(found)):
        assert "10 points" in text
        assert "p " in text
        assert text.endswith(".")
    assert f"{100 * found.margins.non_inferiority.limit:.1f} %" in non_inferiority_sentence(found)


def test_one_annotator_is_tested_against_no_margin():
    lone = analyze(judgments_of("1,p,a,win", "2,q,a,loss", header=HEADER), margin=0.05).headline

    assert non_inferiority_sentence(lone) == (
        "Whether the candidate is worse than the baseline could not be tested against a margin."
    )
    assert "could not be tested" in equivalence_sentence(lone)


def test_without_a_margin_nothing_is_said_of_one():
    plain = analyze(judgments_of("1,p,a,win", "2,q,b,loss", header=HEADER)).headline

    assert plain.margins is None
    assert non_inferiority_sentence(plain) == equivalence_sentence(plain) == ""


def test_the_margin_is_tested_with_the_headlines_own_estimate():
    found = result(52, 48)

    assert found.margins == margins(found.rate.estimate, margin=0.1, alpha=0.05)
