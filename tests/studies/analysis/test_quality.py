"""Checks, agreement with the others, slots and repeats, at the edges too."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from studies.analysis.naive import clopper_pearson
from studies.analysis.quality import check_rate, leave_one_out, null_variance, self_consistency, side_only
from studies.analysis.records import BOTH_BAD, LOSS, SLOT_A, SLOT_B, SLOT_UNKNOWN, TIE, WIN
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import any_records, make_records


def seeded():
    return np.random.default_rng(1)


def panel(answers):
    """Return records of one row of answers per annotator, all on the same comparisons."""
    table = np.array(answers)
    annotator, comparison = np.indices(table.shape)
    return make_records(table.ravel(), annotator.ravel(), comparison.ravel(), comparison=comparison.ravel())


def test_the_check_rate_has_its_exact_interval_and_posterior():
    # D25: the posterior of 75 of 100 under a uniform prior, R's pbeta and qbeta.
    rate = check_rate(75, 100)

    assert (rate.low, rate.high) == pytest.approx(clopper_pearson(75, 100))
    assert rate.posterior_mean == pytest.approx(0.7450980392, abs=1e-8)
    assert (rate.posterior_low, rate.posterior_high) == pytest.approx((0.6566518409, 0.8244444369), abs=1e-8)
    assert rate.p_below == pytest.approx(1 - 0.9999998138, abs=1e-8)


def test_no_checks_say_nothing_and_impossible_counts_are_refused():
    rate = check_rate(0, 0)

    assert (rate.rate, rate.low, rate.posterior_mean, rate.p_below) == (None,) * 4
    with pytest.raises(RefusalError, match="not a count"):
        check_rate(3, 2)


def test_agreement_with_the_others_by_hand():
    # The third disagrees once; for the first the others' shares of its answers are 1, 1, 1/2.
    result = leave_one_out(panel([[WIN, LOSS, WIN], [WIN, LOSS, WIN], [WIN, LOSS, LOSS]]), rng=seeded())

    assert [one.agreement for one in result] == pytest.approx([5 / 6, 5 / 6, 2 / 3])
    assert [one.comparisons for one in result] == [3, 3, 3]
    # Dealt at random: mean shares of WIN and LOSS on the three are (1.5, 1.5) / 3, all answers .5.
    assert result[0].expected == pytest.approx(0.5)
    assert result[2].expected == pytest.approx((1 / 3) * 2 / 3 + (2 / 3) * 1 / 3 + 1 / 9, abs=0.12)


def test_the_permutation_null_is_the_enumerated_one():
    # Of the 20 deals of three wins to six comparisons one agrees wholly: p is 1/20.
    answers = [WIN, WIN, WIN, LOSS, LOSS, LOSS]

    result = leave_one_out(panel([answers, answers]), rng=seeded(), draws=20_000)

    assert result[0].agreement == 1.0
    assert result[0].p_value == pytest.approx(1 / 20, abs=0.005)


def test_the_nulls_variance_is_the_enumerated_one():
    shares = np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0], [0.0, 0.4, 0.6], [0.5, 0.5, 0.0]])
    answers = np.array([0, 2, 1, 1])

    agreements = [shares[range(4), deal].mean() for deal in permutations(answers)]

    assert null_variance(shares, answers) == pytest.approx(np.var(agreements))


def test_many_judgments_have_a_normal_null():
    rng = np.random.default_rng(3)
    truth, noise = rng.integers(0, 2, (2, 300)) * 3

    first, _, random = leave_one_out(panel([truth, truth, noise]), rng=seeded())

    assert (first.method, random.method) == ("normal", "normal")
    assert first.p_value < 0.001
    assert 0.01 < random.p_value < 1


def test_answering_always_alike_agrees_exactly_as_expected():
    rng = np.random.default_rng(3)
    careful = [WIN if draw < 0.9 else LOSS for draw in rng.random(40)]

    lazy = leave_one_out(panel([careful, careful, [WIN] * 40]), rng=seeded())[2]

    assert lazy.agreement > 0.8
    assert (lazy.excess, lazy.p_value) == (pytest.approx(0.0), 1.0)


def test_a_random_annotator_stands_out():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 60) * 3
    noise = rng.integers(0, 2, 60) * 3

    careful, _, random = leave_one_out(panel([truth, truth, noise]), rng=seeded())

    assert careful.p_value < 0.01
    assert random.p_value > 0.05
    assert careful.excess > random.excess


def test_unshared_comparisons_do_not_count():
    records = make_records([WIN, LOSS, WIN], [0, 1, 2], [0, 0, 0], comparison=[0, 0, 1])

    assert [one.annotator for one in leave_one_out(records, rng=seeded())] == [0, 1]
    assert leave_one_out(make_records([], [], []), rng=seeded()) == []


@given(records=any_records())
def test_any_records_give_numbers(records):
    for one in leave_one_out(records, rng=seeded(), draws=20):
        assert 0 <= one.agreement <= 1
        assert 0 < one.p_value <= 1
    for side in side_only(records):
        assert 0 <= side.p_value <= side.p_holm <= 1


def test_the_draws_are_redone_by_their_seed():
    records = panel([[WIN, LOSS, TIE], [WIN, LOSS, BOTH_BAD], [LOSS, LOSS, WIN]])

    assert leave_one_out(records, rng=seeded()) == leave_one_out(records, rng=seeded())


def test_side_only_goes_back_to_the_slot_frame():
    # The first always chooses A, whatever is there; the second always the candidate.
    slots = [SLOT_A, SLOT_B] * 4
    records = make_records(
        [WIN, LOSS] * 4 + [WIN] * 8 + [TIE], [0] * 8 + [1] * 9, range(17), slot=[*slots, *slots, SLOT_A]
    )

    first, second = side_only(records)

    assert (first.decided, first.chose_a, first.one_side_only) == (8, 8, True)
    # Oracle: scipy's exact binomial test; Holm over two annotators.
    assert first.p_value == pytest.approx(stats.binomtest(8, 8).pvalue)
    assert first.p_holm == pytest.approx(2 * first.p_value)
    assert (second.decided, second.chose_a, second.one_side_only) == (8, 4, False)


def test_five_alike_are_too_few_to_call_one_sided():
    assert not side_only(make_records([WIN] * 5, [0] * 5, range(5), slot=[SLOT_B] * 5))[0].one_side_only
    assert side_only(make_records([WIN], [0], [0], slot=[SLOT_UNKNOWN])) == []


def test_repeats_are_compared_in_the_arm_frame():
    result = self_consistency(np.array([WIN, WIN, TIE, LOSS]), np.array([WIN, LOSS, WIN, LOSS]))

    assert (result.repeats, result.same, result.flipped, result.rate) == (4, 2, 1, 0.5)
    assert (result.low, result.high) == pytest.approx(clopper_pearson(2, 4))
    # Shares: first (1/4 loss, 1/4 tie, 1/2 win), again (1/2 loss, 0, 1/2 win).
    assert result.chance == pytest.approx(1 / 4 * 1 / 2 + 1 / 2 * 1 / 2)


def test_no_repeats_say_nothing_and_unpaired_ones_are_refused():
    none = np.array([], dtype=np.int64)

    assert self_consistency(none, none).rate is None
    with pytest.raises(RefusalError, match="first answer"):
        self_consistency(none, np.array([WIN]))
