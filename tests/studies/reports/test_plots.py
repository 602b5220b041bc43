"""Pictures: the same bytes each time, in both schemes, with words for those who cannot see them."""

import re
from dataclasses import fields
from xml.etree import ElementTree as ET

import pytest

from studies.analysis.summary import analyze
from studies.reports.caterpillar import caterpillar_picture
from studies.reports.flow import Flow
from studies.reports.flow_chart import flow_picture, flow_words
from studies.reports.plots import pictures
from studies.reports.power_plot import power_picture
from studies.reports.robustness_plot import robustness_picture
from studies.reports.scale_plot import scale_picture, scale_points
from studies.reports.score_plot import score_picture
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

    assert [media for media, _ in picture.sources] == ["(max-width: 40rem)"]


def test_a_page_carries_each_width_once_with_both_schemes_inside(results):
    picture = pictures(results, simulated=True)[1]

    for made in picture.adaptive.values():
        styles, _, body = made.decode().partition("</style>")
        light, _, dark = styles.partition("@media (prefers-color-scheme:dark)")
        assert ET.fromstring(made) is not None  # noqa: S314 - made here
        assert all(getattr(palette(dark=False), field.name) in light for field in fields(palette(dark=False)))
        assert all(getattr(palette(dark=True), field.name) in dark for field in fields(palette(dark=True)))
        assert not re.search("#[0-9a-f]{6};", body)
    assert b"var(" not in picture.looks[PLAIN]
    assert not any(b"#0ff1c" in made for made in (*picture.looks.values(), *picture.adaptive.values()))


def test_pictures_stay_small(results):
    made = pictures(results, simulated=False)

    # They were 5.7 and 12.6 kB before metadata, ids and needless digits were left out.
    sizes = [len(picture.looks[PLAIN]) for picture in made]
    assert sizes[0] < 5_000
    assert sizes[1] < 11_000


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


@pytest.fixture
def many():
    header = "comparison,prompt,annotator,outcome,candidate_arm,baseline_arm"
    rows = [
        f"{arm}{p},p{p},a{a},{('win', 'loss', 'win', 'tie')[(a * shift + p * 3) % 4]},{arm},standard"
        for shift, arm in enumerate(("mild", "strong"), 1)
        for a in range(7)
        for p in range(10)
    ]
    return analyze(judgments_of(*rows, header=header), scales={"mild": 1.5, "strong": 3.0})


def beside(analysis):
    """Return every picture that is not of one pair of arms."""
    headline, several = analysis.headline, analysis.several
    points = scale_points(several, {"mild": 1.5, "strong": 3.0})
    return [
        robustness_picture(analysis.robustness, simulated=True),
        scale_picture(points, "Win rate against the scale", simulated=True),
        score_picture(several.bradley_terry, "standard", simulated=True),
        caterpillar_picture(headline.heterogeneity, "mild", simulated=True),
        power_picture(headline.sensitivity, 0.05, simulated=True),
    ]


def test_every_picture_says_its_numbers_in_words_and_that_it_is_simulated(many):
    made = beside(many)

    assert len({picture.name for picture in made}) == 5
    for picture in made:
        assert picture.alternative.startswith("SIMULATED. ")
        assert any(letter.isdigit() for letter in picture.alternative)
        assert tuple(picture.looks) == LOOKS
        assert all(b"SIMULATED" in svg for svg in picture.looks.values())
    assert beside(many) == made


def test_the_scale_picture_names_each_scale_with_its_interval(many):
    words = beside(many)[1].alternative
    band = many.several.band

    assert f"At 1.5: {100 * band.means[0]:.1f} %, {100 * band.ci_low[0]:.1f} to" in words
    assert "At 3: " in words


def test_scales_that_are_unknown_or_shared_draw_no_curve(many):
    assert scale_points(many.several, {"mild": 1.5}) == []
    assert scale_points(many.several, {"mild": 1.5, "strong": 1.5}) == []


def test_the_flow_names_what_left_at_each_step():
    counts = dict.fromkeys((field.name for field in fields(Flow)), 0)
    flow = Flow(
        **counts | {"prompts": 3, "completions": 6, "assignments_planned": 12, "assignments_filled": 10}
    )

    assert ("12 assignments planned", "2 not filled") in flow_words(flow)
    assert flow_picture(flow, simulated=False).alternative.startswith("3 prompts, 6 completions.")
