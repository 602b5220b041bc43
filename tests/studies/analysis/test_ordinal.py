"""Cumulative logits against R's ordinal."""

import csv

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.miscmodels.ordinal_model import OrderedModel

from studies.analysis.ordinal import (
    NO_SPREAD,
    cumulative_logit,
    free_thresholds,
    log_chances,
    symmetric_location,
    symmetric_thresholds,
)
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import cases

LIKERT = np.repeat([-2.0, -1.0, 0.0, 1.0, 2.0], [8, 14, 20, 25, 13])


def wine():
    with (cases() / "wine_randall1989.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    answers = np.array([int(row["rating"]) for row in rows])
    design = np.array([[row["temp"] == "warm", row["contact"] == "yes"] for row in rows], dtype=float)
    return answers, design, np.array([int(row["judge"]) for row in rows])


def test_wine_without_random_effects():
    # D21: Christensen's vignette, clm.
    answers, design, _ = wine()

    fit = cumulative_logit(answers, design)

    assert fit.coefficients == pytest.approx((2.5031020079, 1.5277976581), abs=1e-4)
    assert fit.thresholds == pytest.approx(
        (-1.3443834113, 1.2508087984, 3.4668869265, 5.0064042043), abs=1e-4
    )
    assert fit.log_likelihood == pytest.approx(-86.4919233656, abs=1e-4)
    assert fit.var_annotator is None


def test_wine_with_a_random_intercept():
    # D21: clmm, Laplace.
    answers, design, taster = wine()

    fit = cumulative_logit(answers, design, annotator=taster)

    assert fit.coefficients == pytest.approx((3.06299662584, 1.83488492228), abs=1e-4)
    assert fit.errors == pytest.approx((0.5953761831, 0.512529332), abs=1e-4)
    assert fit.var_annotator == pytest.approx(1.27946090925, abs=1e-4)
    assert fit.log_likelihood == pytest.approx(-81.5654092921, abs=1e-4)


def test_errors_are_statsmodels():
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    answers = np.digitize(0.8 * x + rng.logistic(size=300), [-1, 0.5, 2])

    fit = cumulative_logit(answers, x[:, None])

    oracle = OrderedModel(answers, x[:, None], distr="logit").fit(method="newton", disp=False)
    assert fit.coefficients[0] == pytest.approx(oracle.params[0], abs=1e-4)
    assert fit.errors[0] == pytest.approx(oracle.bse[0], rel=1e-3)


def test_two_steps_are_a_logit():
    # Oracle: a constant-only logit of wins.
    scores = np.repeat([1.0, -1.0], [30, 20])

    fit = symmetric_location(scores)

    oracle = sm.Logit(scores > 0, np.ones(50)).fit(disp=False)
    assert fit.coefficients[0] == pytest.approx(oracle.params[0], abs=1e-5)
    assert fit.errors[0] == pytest.approx(oracle.bse[0], rel=1e-4)


def test_thresholds_that_mirror():
    assert symmetric_location(LIKERT).thresholds == pytest.approx(
        tuple(-one for one in reversed(symmetric_location(LIKERT).thresholds))
    )
    assert symmetric_thresholds(np.array([]), 2).tolist() == [0.0]
    assert np.all(np.diff(free_thresholds(np.array([-3.0, -9.0, 2.0]))) > 0)


def test_chances_sum_to_one_far_in_the_tails_too():
    thresholds = np.array([-1.0, 0.5, 2.0])

    for location in (-30.0, 0.0, 30.0):
        chances = np.exp(log_chances(np.arange(4), np.full(4, location), thresholds))
        assert chances.sum() == pytest.approx(1)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]), max_size=30))
def test_swapping_the_arms_changes_the_sign(scores):
    values = np.array(scores)
    try:
        one, other = symmetric_location(values), symmetric_location(-values)
    except RefusalError:
        return

    assert other.coefficients[0] == pytest.approx(-one.coefficients[0], abs=1e-3)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)


def test_annotators_alike_have_no_spread():
    fit = symmetric_location(LIKERT, annotator=np.arange(80) % 10)

    assert fit.var_annotator == pytest.approx(0, abs=1e-6)
    assert fit.caveats == (NO_SPREAD,)
    assert fit.coefficients == pytest.approx(symmetric_location(LIKERT).coefficients, abs=1e-4)


@pytest.mark.parametrize("scores", [[], [0.0, 0.0], [1.0, 2.0, 0.0], [-1.0, -1.0]])
def test_scores_without_a_location_are_refused(scores):
    with pytest.raises(RefusalError):
        symmetric_location(np.array(scores))


@pytest.mark.parametrize("answers", [[], [3, 3]])
def test_answers_without_an_order_are_refused(answers):
    with pytest.raises(RefusalError):
        cumulative_logit(np.array(answers, dtype=np.int64), np.zeros((len(answers), 1)))


def test_separated_answers_are_refused():
    with pytest.raises(RefusalError, match="separated"):
        cumulative_logit(np.repeat([0, 1, 2], 5), np.repeat([0.0, 1.0, 2.0], 5)[:, None])
