"""Graded criteria: the score, its tests and its agreement in an analysis."""

import numpy as np
import pytest

from studies.analysis.absence import Absence
from studies.analysis.graded_agreement import alpha_of_scores
from studies.analysis.scores import graded
from studies.analysis.sentence import graded_sentence
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import SWAP, judgments_of, make_records

HEADER = "comparison,prompt,annotator,outcome,strength"
WORDS = {0: "tie", 1: "win", -1: "loss"}


def scored(scores, people=6):
    rows = [
        f"{k // people},p{k // people},a{k % people},{WORDS[int(np.sign(score))]},{score}"
        for k, score in enumerate(scores)
    ]
    return judgments_of(*rows, header=HEADER)


def drawn(shift, n=120, seed=0):
    rng = np.random.default_rng(seed)
    return [int(score) for score in np.clip(np.round(rng.normal(shift, 1.2, n)), -3, 3)]


CASES = {1.0: "preferred the candidate to", -1.0: "preferred the baseline to", 0.0: "no preference between"}


@pytest.mark.parametrize(("shift", "words"), CASES.items())
def test_each_outcome_has_its_own_words_and_no_stronger_ones(shift, words):
    text = graded_sentence(analyze(scored(drawn(shift))).headline)

    assert [other in text for other in CASES.values()] == [other == words for other in CASES.values()]
    assert ("does not show that they are equally good" in text) == (shift == 0.0)
    assert "not corrected for several tests" in text


def test_the_mean_is_of_signed_steps():
    found = analyze(scored([2, -1, 0, 3, 1, 1] * 4)).headline.graded

    assert found.score.mean == 1.0
    assert found.steps == 3


def test_agreement_is_alpha_of_the_scores():
    scores = drawn(0.4)
    found = analyze(scored(scores)).headline.graded

    units = np.arange(len(scores)) // 6
    for metric, result in (("ordinal", found.alpha_ordinal), ("interval", found.alpha_interval)):
        assert result.alpha == pytest.approx(
            alpha_of_scores(units, np.array(scores, dtype=float), metric=metric)
        )


def test_exchanging_the_arms_mirrors_the_scores():
    rng = np.random.default_rng(8)
    scores = rng.integers(-2, 3, 200).astype(float)
    outcome = np.select([scores > 0, scores < 0], [3, 0], 1)
    ids = rng.integers(20, size=200), rng.integers(15, size=200)

    one = graded(make_records(outcome, *ids), scores, alpha=0.05, seed=1)
    other = graded(make_records(SWAP[outcome], *ids), -scores, alpha=0.05, seed=1)

    assert other.score.mean == pytest.approx(-one.score.mean)
    assert other.score.p_value == pytest.approx(one.score.p_value)
    assert other.signed_rank.p_value == pytest.approx(one.signed_rank.p_value)
    assert other.ordinal.estimate == pytest.approx(-one.ordinal.estimate, abs=1e-4)
    assert other.alpha_ordinal.alpha == pytest.approx(one.alpha_ordinal.alpha)


def test_scores_of_one_step_are_no_graded_scale():
    assert analyze(scored([1, -1, 0] * 8)).headline.graded is None


def test_a_criterion_with_a_missing_score_is_not_graded():
    rows = ["1,p1,a,win,2", "2,p2,b,loss,"]

    assert analyze(judgments_of(*rows, header=HEADER)).headline.graded is None


def test_scores_on_one_side_only_have_a_mean_and_a_reason():
    found = analyze(scored([2, 1, 3] * 8)).headline.graded

    assert found.score.mean == 2.0
    assert isinstance(found.ordinal, Absence)


def test_one_annotator_has_a_score_and_no_test():
    found = analyze(scored([2, -1, 3], people=1)).headline

    assert found.graded.score.p_value is None
    assert "could not be tested" in graded_sentence(found)


def test_no_scores_are_an_answer_with_its_reason():
    found = graded(make_records([], [], []), np.zeros(0), alpha=0.05, seed=0)

    assert found.score.mean is None
    assert found.score.caveats == ("There are no scores to analyse.",)
    assert isinstance(found.signed_rank, Absence)
