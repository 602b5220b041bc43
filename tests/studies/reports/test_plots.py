"""Pictures: the same bytes each time, in both schemes, with words for those who cannot see them."""

from xml.etree import ElementTree as ET

import pytest

from studies.analysis.summary import analyze
from studies.reports.plots import pictures
from studies.reports.style import LOOKS, PLAIN, palette
from tests.studies.analysis.kit import judgments_of


@pytest.fixture
def results():
    rows = [
        f"{p},p{p},a{a},{'AB'[p % 2]},{['A', 'B', 'tie', 'both_bad', 'A'][(a + p) % 5]}"
        for a in range(7)
        for p in range(10)
    ]
    return analyze(judgments_of(*rows)).results


def test_two_pictures_in_every_look(results):
    made = pictures(results, simulated=False)

    assert [picture.name for picture in made] == ["outcomes", "win-rates"]
    for picture in made:
        assert tuple(picture.looks) == LOOKS
        for look, made_of_it in picture.looks.items():
            svg = ET.fromstring(made_of_it)  # noqa: S314 - made here
            assert svg.tag == "{http://www.w3.org/2000/svg}svg"
            assert float(svg.get("width").removesuffix("pt")) == pytest.approx(72 * look.width)
            assert look.colours.ink.encode() in made_of_it


def test_a_browser_meets_the_most_particular_look_first(results):
    picture = pictures(results, simulated=False)[0]

    assert [media for media, _ in picture.sources] == [
        "(max-width: 40rem) and (prefers-color-scheme: dark)",
        "(max-width: 40rem)",
        "(prefers-color-scheme: dark)",
    ]


def test_the_same_numbers_give_the_same_bytes(results):
    assert pictures(results, simulated=True) == pictures(results, simulated=True)


def test_the_alternative_text_says_the_numbers(results):
    outcomes, forest = pictures(results, simulated=False)

    rate = results[0].rate
    assert outcomes.alternative == (
        f"preference: candidate preferred in {rate.wins}, ties {rate.ties}, both bad {rate.both_bad}, "
        f"baseline preferred in {rate.losses}."
    )
    assert forest.alternative.startswith("The line of no preference is at 50 %. preference: ")


def test_candidate_and_baseline_keep_their_colours():
    light = palette(dark=False)

    assert (light.candidate.lower(), light.baseline.lower()) == ("#0072b2", "#d55e00")


def test_ties_only_and_one_annotator_can_be_drawn():
    ties = analyze(judgments_of("1,p1,a1,A,tie", "2,p2,a2,A,tie")).results
    lone = analyze(judgments_of("1,p1,a1,A,A")).results

    assert b"none decided" in pictures(ties, simulated=False)[1].looks[PLAIN]
    assert b"(no interval)" in pictures(lone, simulated=False)[1].looks[PLAIN]


def test_nothing_to_draw_draws_nothing():
    header = "comparison,prompt,annotator,outcome,excluded"

    assert pictures(analyze(judgments_of("1,p1,a1,win,1", header=header)).results, simulated=True) == ()
