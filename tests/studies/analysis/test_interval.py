"""The headline's interval and test, at the edges and in calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.interval import METHOD_EXACT, METHOD_NONE, METHOD_T, estimate_share
from studies.analysis.naive import clopper_pearson, sign_test, wilson
from tests.studies.analysis.kit import any_records


def estimate(values, annotator, prompt, alpha=0.05):
    return estimate_share(
        np.asarray(values, dtype=float), np.asarray(annotator), np.asarray(prompt), alpha=alpha
    )


def crossed(values, annotators, prompts):
    index = np.arange(annotators * prompts)
    return estimate(np.resize(values, index.size), index // prompts, index % prompts)


def test_no_judgments_give_no_numbers():
    result = estimate([], np.array([], dtype=int), np.array([], dtype=int))

    assert (result.n, result.mean, result.ci_low, result.p_value) == (0, None, None, None)
    assert result.caveats == ("There are no judgments to analyse.",)


def test_one_annotator_gives_a_rate_but_no_interval():
    result = estimate([1, 0, 1], [4, 4, 4], [0, 1, 2])

    assert result.mean == pytest.approx(2 / 3)
    assert (result.ci_low, result.ci_high, result.se, result.df, result.p_value) == (None,) * 5
    assert result.method == METHOD_NONE
    assert result.caveats == (
        "There is only one annotator: no interval or test can speak for other annotators.",
    )
    assert result.variances.prompts is not None


def test_one_prompt_gives_a_rate_but_no_interval():
    result = estimate([1, 0, 1], [0, 1, 2], [4, 4, 4])

    assert (result.p_value, result.ci_low) == (None, None)
    assert result.caveats == ("There is only one prompt: no interval or test can speak for other prompts.",)


def test_one_judgment_names_both_reasons():
    result = estimate([1], [0], [0])

    assert (result.mean, result.p_value, len(result.caveats)) == (1.0, None, 2)
    assert result.variances.largest() == ("none", 0.0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_unanimity_is_bounded_by_clusters_not_judgments(value):
    # Oracle: Clopper-Pearson and the sign test on min(8 annotators, 10 prompts) = 8 trials.
    result = crossed([value], 8, 10)

    assert result.method == METHOD_EXACT
    assert (result.ci_low, result.ci_high) == pytest.approx(clopper_pearson(8 * int(value), 8))
    assert result.p_value == pytest.approx(sign_test(8, 0))
    assert result.statistic is None
    assert result.se == 0


def test_ties_only_cannot_reject_and_stay_inside():
    result = crossed([0.5], 8, 10)

    assert (result.mean, result.p_value, result.method) == (0.5, 1.0, METHOD_EXACT)
    assert 0 < result.ci_low < 0.5 < result.ci_high < 1


def test_a_variance_below_zero_falls_back_with_a_caveat():
    # Every annotator and every prompt has mean 1/2: both one-way variances vanish, the cells' does not.
    index = np.arange(64)
    result = estimate((index // 8 + index % 8) % 2, index // 8, index % 8)

    assert result.variances.two_way < 0
    assert result.se_from == "independent"
    assert result.se == pytest.approx(np.sqrt(result.variances.independent))
    assert "The two-way variance is not positive; the largest of the others is used." in result.caveats


def test_few_clusters_carry_a_caveat():
    assert any("below 6 clusters" in caveat for caveat in crossed([1, 0, 0], 5, 20).caveats)
    assert not any("below" in caveat for caveat in crossed([1, 0, 0, 1, 1], 6, 21).caveats)


def test_the_interval_is_clipped_and_says_so():
    result = estimate([1] * 11 + [0], np.arange(12) // 2, np.arange(12) % 6)

    assert result.ci_high == 1.0
    assert "clipped to [0, 1]" in result.method


def test_the_design_effect_explains_the_effective_number():
    # Within an annotator all is equal: 12 annotators of 10 judgments are worth about 12 judgments.
    result = estimate(np.repeat([1, 0], 60), np.arange(120) // 10, np.arange(120) % 40)

    assert result.design_effect == pytest.approx(119 / 11, rel=0.2)
    assert result.effective_n == pytest.approx(120 / result.design_effect)


@given(records=any_records(), alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_interval_and_test_agree(records, alpha):
    result = estimate_share(records.credit, records.annotator, records.prompt, alpha=alpha)

    if result.p_value is None:
        assert result.ci_low is None
        assert result.caveats
        return
    assert 0 <= result.ci_low <= result.mean <= result.ci_high <= 1
    assert 0 <= result.p_value <= 1
    outside = not result.ci_low - 1e-12 <= 0.5 <= result.ci_high + 1e-12
    assert outside == (result.p_value < alpha - 1e-12)


def simulate(rng, annotators, prompts, n, variances):
    """Return judgments whose log odds have a part of the annotator and one of the prompt; true share 1/2."""
    annotator, prompt = rng.integers(annotators, size=n), rng.integers(prompts, size=n)
    log_odds = rng.normal(0, variances[0] ** 0.5, annotators)[annotator]
    log_odds += rng.normal(0, variances[1] ** 0.5, prompts)[prompt]
    return (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float), annotator, prompt


@pytest.mark.parametrize("design", [(124, 13, 5460, (0.12, 0.07)), (6, 200, 1200, (0.5, 0.5))])
def test_intervals_cover_the_truth_as_often_as_they_say(design):
    rng = np.random.default_rng(20230630)
    covered = {METHOD_T: 0, "wilson": 0}

    for _ in range(400):
        values, annotator, prompt = simulate(rng, *design)
        result = estimate_share(values, annotator, prompt, alpha=0.05)
        low, high = wilson(int(values.sum()), len(values))
        covered[METHOD_T] += result.ci_low <= 0.5 <= result.ci_high
        covered["wilson"] += low <= 0.5 <= high

    # Required .92 to .985 over many replications; 400 have a standard error of .011.
    assert 0.90 <= covered[METHOD_T] / 400 <= 0.995
    assert covered["wilson"] / 400 < 0.75
