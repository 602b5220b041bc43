"""More than two arms: refusals instead of numbers without meaning, and the headline left as it is."""

import numpy as np
import pytest

from studies.analysis.absence import Absence
from studies.analysis.as_json import analysis_as_dict
from studies.analysis.as_text import analysis_as_text
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,outcome,candidate_arm,baseline_arm"


@pytest.fixture
def judgments():
    rng = np.random.default_rng(4)
    shares = {"mild": 0.55, "strong": 0.75}
    rows = [
        f"{arm}{p},p{p},a{a},{'win' if rng.random() < share else 'loss'},{arm},standard"
        for arm, share in shares.items()
        for p in range(12)
        for a in range(6)
    ]
    return judgments_of(*rows, header=HEADER)


def test_two_arms_have_nothing_to_say_together():
    plain = judgments_of("1,p,a,win", "2,q,b,loss", header="comparison,prompt,annotator,outcome")

    assert analyze(plain).several is None
    assert "bradley_terry" not in analysis_as_dict(analyze(plain))


def test_scores_band_and_trend_are_of_all_candidates(judgments):
    found = analyze(judgments, scales={"mild": 1.5, "strong": 3.0})
    data = analysis_as_dict(found)

    assert found.several.candidates == ("mild", "strong")
    assert [arm["name"] for arm in data["bradley_terry"]["arms"]] == ["strong", "mild", "standard"]
    band = data["several_arms"]["simultaneous"]["arms"]
    for arm, pair in zip(band, data["pairs"], strict=True):
        own = pair["criteria"]["preference"]
        assert arm["win_rate"] == pytest.approx(own["win_rate"])
        assert arm["ci_high"] - arm["ci_low"] >= own["ci_high"] - own["ci_low"] - 1e-9
    assert data["several_arms"]["trend"]["slope"]["estimate"] > 0
    assert sum(data["several_arms"]["trend"]["best_frequency"]) == pytest.approx(1)


def test_without_known_scales_the_trend_says_why_it_is_missing(judgments):
    found = analyze(judgments).several

    assert found.trend == Absence("The guidance scales of the candidates are not known.")


def test_arms_that_cannot_be_put_on_one_scale_have_a_reason_instead_of_scores():
    apart = judgments_of("1,p,a,win,x,y", "2,q,b,loss,x,y", "3,p,a,win,u,v", "4,q,b,loss,u,v", header=HEADER)

    data = analysis_as_dict(analyze(apart))

    assert set(data["bradley_terry"]) == {"reason"}
    assert "No scores of all arms: " in analysis_as_text(analyze(apart))


def test_the_text_names_the_scores_best_first(judgments):
    text = analysis_as_text(analyze(judgments))

    scores = text[text.index("Bradley-Terry") :]
    assert scores.index("\nstrong ") < scores.index("\nmild ") < scores.index("\nstandard ")


def test_the_same_seed_gives_the_same_numbers(judgments):
    assert analysis_as_dict(analyze(judgments, seed=3)) == analysis_as_dict(analyze(judgments, seed=3))
