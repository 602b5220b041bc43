"""Margins: published exact cases, the paper's own figures, edges and symmetry."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from studies.analysis.interval import estimate_share
from studies.analysis.noninferiority import (
    Decision,
    equivalence,
    exact_above,
    exact_below,
    exact_equivalence,
    gatekeeping,
    non_inferiority,
    superiority,
)
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import any_records, grid


def estimate_of(records, alpha=0.05):
    return estimate_share(records.credit, records.annotator, records.prompt, alpha=alpha)


def crossed(share, annotators=20, prompts=20, seed=1):
    rng = np.random.default_rng(seed)
    values = (rng.permutation(annotators * prompts) < share * annotators * prompts).astype(float)
    index = np.arange(values.size)
    return estimate_share(values, index // prompts, index % prompts, alpha=0.05)


# D02: R 4.2.2, binom.test one-sided.
@pytest.mark.parametrize(
    ("wins", "trials", "bound", "p_value"),
    [
        (52, 100, 0.45, 0.0959516371201),
        (52, 100, 0.40, 0.0100051432),
        (53, 102, 0.45, 0.0947650455764),
        (53, 102, 0.40, 0.00955817187378),
        (318, 611, 0.45, 0.000279782686556),
    ],
)
def test_published_exact_non_inferiority(wins, trials, bound, p_value):
    assert exact_above(wins, trials, bound=bound) == pytest.approx(p_value, abs=1e-8)


# D02: the same from the other side.
@pytest.mark.parametrize(
    ("wins", "trials", "p_value"),
    [(52, 100, 0.3068784622042), (53, 102, 0.301672023487), (318, 611, 0.0769410479612)],
)
def test_published_exact_tests_from_above(wins, trials, p_value):
    assert exact_below(wins, trials, bound=0.55) == pytest.approx(p_value, abs=1e-8)


def test_published_exact_equivalence():
    # D02: statsmodels binom_tost(52, 100, .4, .6).
    assert exact_equivalence(52, 100, margin=0.1) == pytest.approx(0.06378917689608947, abs=1e-8)


def test_52_percent_is_not_shown_to_be_within_5_points_but_within_10():
    close, wide = (exact_above(53, 102, bound=0.5 - margin) for margin in (0.05, 0.1))

    assert close > 0.05
    assert wide < 0.05


def test_limit_and_p_value_come_from_the_clustered_interval():
    # By hand: t at 19 degrees of freedom is 1.7291 for the one-sided 95 % (any printed table).
    estimate = crossed(0.52)

    result = non_inferiority(estimate, margin=0.1)

    assert result.bound == 0.4
    assert result.limit == pytest.approx(estimate.mean - 1.7291328 * estimate.se, abs=1e-7)
    assert result.decision is Decision.NON_INFERIOR


def test_a_difference_that_is_not_significant_is_not_non_inferior():
    estimate = crossed(0.47, annotators=8, prompts=8)

    result = non_inferiority(estimate, margin=0.05)

    assert superiority(estimate) is Decision.NOT_SHOWN
    assert result.decision is Decision.NON_INFERIORITY_NOT_SHOWN


def test_equivalence_needs_both_sides():
    inside, above = equivalence(crossed(0.5), margin=0.1), equivalence(crossed(0.58), margin=0.1)

    assert inside.decision is Decision.EQUIVALENT
    assert (above.p_lower < 0.05, above.p_upper < 0.05) == (True, False)
    assert above.decision is Decision.EQUIVALENCE_NOT_SHOWN
    assert above.p_value == above.p_upper


@pytest.mark.parametrize(("share", "decision"), [(0.7, "superior"), (0.3, "inferior"), (0.5, "not shown")])
def test_superiority_by_direction(share, decision):
    assert superiority(crossed(share)) == decision


def test_unanimity_counts_clusters():
    # Eight annotators of ten prompts, all wins: eight wins of eight against .45, by arithmetic.
    result = non_inferiority(estimate_of(grid([3], 8, 10)), margin=0.05)

    assert result.p_value == pytest.approx(0.45**8)
    assert result.limit == pytest.approx(0.05 ** (1 / 8))
    assert result.caveats


def test_ties_only_are_equivalent_when_the_clusters_suffice():
    few, many = (equivalence(estimate_of(grid([1], size, size)), margin=0.1) for size in (8, 30))

    assert few.p_value == pytest.approx(0.8**8)
    assert few.decision is Decision.EQUIVALENCE_NOT_SHOWN
    assert many.decision is Decision.EQUIVALENT


def test_losses_only_are_never_non_inferior():
    result = non_inferiority(estimate_of(grid([0], 8, 10)), margin=0.4)

    assert (result.p_value, result.limit) == (1.0, 0.0)


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (0, 0)])
def test_without_an_interval_nothing_is_said(shape):
    estimate = estimate_of(grid([3, 0, 3], *shape))

    one, two = non_inferiority(estimate, margin=0.1), equivalence(estimate, margin=0.1)

    assert (one.decision, two.decision) == (Decision.NOT_TESTED, Decision.NOT_TESTED)
    assert (one.p_value, one.limit, two.p_value, two.low) == (None,) * 4
    assert one.caveats


@pytest.mark.parametrize("margin", [0, -0.1, 0.5, float("nan")])
def test_a_margin_without_meaning_is_refused(margin):
    with pytest.raises(RefusalError, match="The margin"):
        non_inferiority(crossed(0.5), margin=margin)


def test_no_trials_are_refused():
    with pytest.raises(RefusalError, match="nothing to test"):
        exact_above(0, 0, bound=0.45)


def test_the_gate_opens_only_for_superiority():
    better, same, worse = crossed(0.7), crossed(0.5), crossed(0.3)

    opened = gatekeeping(better, same, margin=0.1)
    shut = gatekeeping(worse, same, margin=0.1)

    assert (opened.first, opened.second, opened.opened) == ("superior", "non-inferior", True)
    assert opened.p_second >= opened.p_first
    assert (shut.first, shut.second, shut.p_second, shut.opened) == ("inferior", "not tested", None, False)


@given(records=any_records(), margin=st.sampled_from([0.05, 0.1, 0.3]))
def test_swapping_the_arms_mirrors_equivalence(records, margin):
    estimate = estimate_of(records)
    mirrored = estimate_share(1 - records.credit, records.annotator, records.prompt, alpha=0.05)

    one, other = equivalence(estimate, margin=margin), equivalence(mirrored, margin=margin)

    assume(one.p_value is not None)
    assert (other.p_lower, other.p_upper) == pytest.approx((one.p_upper, one.p_lower), abs=1e-12)
    assert (1 - other.high, 1 - other.low) == pytest.approx((one.low, one.high), abs=1e-12)


@given(records=any_records(), margin=st.sampled_from([0.05, 0.1, 0.3]))
def test_limit_and_test_agree(records, margin):
    result = non_inferiority(estimate_of(records), margin=margin)

    assume(result.p_value is not None)
    assume(abs(result.p_value - 0.05) > 1e-9)
    assert (result.limit > result.bound) == (result.p_value < 0.05)
