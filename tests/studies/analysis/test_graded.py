"""Signed scores: published Wilcoxon tests, arithmetic, edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from studies.analysis.graded import ALL_ALIKE, DISCARD, PRATT, mean_score, rank_sum, score_means, signed_rank
from studies.analysis.interval import estimate_share
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import any_records

# D22: Hollander & Wolfe's depression scores, R ?wilcox.test.
FIRST = np.array([1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3])
SECOND = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
# D22: eighty answers on a scale of five.
LIKERT = np.repeat([-2.0, -1.0, 0.0, 1.0, 2.0], [8, 14, 20, 25, 13])


def test_hollander_and_wolfes_example():
    result = signed_rank(FIRST - SECOND, alternative="greater")

    assert (result.statistic, result.method) == (40.0, "exact")
    assert result.p_value == pytest.approx(0.01953125)


def test_published_likert_answers_by_both_zero_methods():
    # D22: R wilcox.test(correct = FALSE) and coin's Pratt.
    discard, pratt = signed_rank(LIKERT, zero_method=DISCARD), signed_rank(LIKERT, zero_method=PRATT)

    assert (discard.statistic, discard.zeros, discard.zero_method) == (1150.0, 20, "wilcox")
    assert discard.p_value == pytest.approx(0.07169595878, abs=1e-8)
    assert pratt.p_value == pytest.approx(0.052006502360744694, abs=1e-8)


def test_independent_scores_have_the_one_sample_t_test():
    # D22: mean .2625, t test p .05779435; each score an annotator and a prompt of its own.
    ids = np.arange(len(LIKERT))

    result = mean_score(LIKERT, ids, ids)

    assert result.mean == pytest.approx(0.2625)
    assert result.p_value == pytest.approx(0.05779435078, abs=1e-8)
    assert (result.df, result.statistic) == (79, pytest.approx(stats.ttest_1samp(LIKERT, 0).statistic))


@given(records=any_records(min_size=1))
def test_two_steps_are_the_win_rate_on_another_scale(records):
    score = mean_score(2 * records.credit - 1, records.annotator, records.prompt)
    share = estimate_share(records.credit, records.annotator, records.prompt, alpha=0.05)

    assert score.mean == pytest.approx(2 * share.mean - 1, abs=1e-12)
    if score.p_value is not None:
        assert score.se == pytest.approx(2 * share.se)
        assert score.p_value == pytest.approx(share.p_value)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=20), st.sampled_from([DISCARD, PRATT]))
def test_swapping_the_arms_mirrors_the_ranks(scores, zero_method):
    values = np.array(scores, dtype=float)

    one, other = (signed_rank(sign * values, zero_method=zero_method) for sign in (1, -1))

    assert other.p_value == pytest.approx(one.p_value)
    assert 0 <= one.p_value <= 1


@pytest.mark.parametrize(
    ("scores", "annotator", "prompt", "reason"),
    [
        ([], [], [], "no scores"),
        ([1.0, 2.0], [0, 0], [0, 1], "only one annotator"),
        ([1.0, 2.0], [0, 1], [0, 0], "only one prompt"),
        ([1.0, 1.0], [0, 1], [0, 1], ALL_ALIKE),
    ],
)
def test_no_interval_has_its_reason(scores, annotator, prompt, reason):
    result = mean_score(
        *(np.array(part, dtype=kind) for part, kind in ((scores, float), (annotator, int), (prompt, int)))
    )

    assert (result.se, result.p_value, result.df) == (None, None, None)
    assert reason in result.caveats[0]


def test_means_of_annotators():
    assert score_means(LIKERT[:4], np.array([3, 3, 1, 1])).tolist() == [-2.0, -2.0]
    assert rank_sum(np.array([0.0, 1.0, -2.0]), PRATT) == 2.0


def test_zeros_only_cannot_reject():
    result = signed_rank(np.zeros(4))

    assert (result.p_value, result.zeros) == (1.0, 4)
    assert result.caveats


def test_requests_without_meaning_are_refused():
    with pytest.raises(RefusalError, match="no annotators"):
        signed_rank(np.array([]))
    with pytest.raises(RefusalError, match="zero method"):
        signed_rank(np.ones(3), zero_method="split")
    with pytest.raises(RefusalError, match="not a number"):
        mean_score(np.array([np.nan]), np.array([0]), np.array([0]))
