"""Looks and bets: published sequences, edges, and false alarms under clustering."""

from math import erfc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.interim import (
    annotator_means,
    confidence_limits,
    confidence_sequence,
    log_capital,
    monitor,
    robust_z,
)
from studies.analysis.interval import estimate_share
from studies.analysis.naive import sign_test
from studies.analysis.refusal import RefusalError


def study(share, n=600, seed=1, clusters=(40, 30)):
    """Return credits and clusters of independent judgments."""
    rng = np.random.default_rng(seed)
    values = (rng.random(n) < share).astype(float)
    return values, rng.integers(clusters[0], size=n), rng.integers(clusters[1], size=n)


def looks_of(data, fractions=(0.2, 0.4, 0.6, 0.8, 1.0), *, by_annotator=False):
    values, annotator, prompt = data
    order = np.argsort(annotator, kind="stable") if by_annotator else np.arange(len(values))
    ends = [order[: round(fraction * len(values))] for fraction in fractions]
    return [estimate_share(values[end], annotator[end], prompt[end], alpha=0.05) for end in ends]


def test_a_clear_effect_stops_early_and_names_its_side():
    result = monitor(looks_of(study(0.8)), planned_information=2000.0, final=True)

    assert result.stopped_at is not None
    assert result.looks[result.stopped_at - 1].crossed
    assert result.favours_candidate is True


def test_no_effect_goes_on_to_the_end():
    result = monitor(looks_of(study(0.5)), planned_information=2000.0, final=True)

    assert (result.stopped_at, result.favours_candidate) == (None, None)
    assert result.looks[-1].spent == 0.05
    assert [look.number for look in result.looks] == [1, 2, 3, 4, 5]


def test_boundaries_fall_and_need_more_than_the_plain_test():
    bounds = [
        look.boundary for look in monitor(looks_of(study(0.5)), planned_information=2400, final=True).looks
    ]

    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] > 1.96


def test_earlier_looks_do_not_change_later():
    looks = looks_of(study(0.6))

    first = monitor(looks[:2], planned_information=2400.0, final=False)
    later = monitor(looks, planned_information=2400.0, final=True)

    assert later.looks[:2] == first.looks


def test_the_statistic_is_the_p_values_normal_quantile():
    estimate = looks_of(study(0.55))[-1]

    z = robust_z(estimate)

    # Oracle: the complementary error function gives the normal's two-sided tail.
    assert erfc(z / 2**0.5) == pytest.approx(estimate.p_value)
    assert 0 < z < estimate.statistic


def test_looks_that_cannot_be_made_are_left_out_with_their_reason():
    values, annotator, prompt = study(0.5)
    one = estimate_share(values[:5], annotator[:5] * 0, prompt[:5], alpha=0.05)
    whole = looks_of((values, annotator, prompt))[-1]

    result = monitor([one, whole, whole], planned_information=10_000.0, final=False)

    assert len(result.looks) == 1
    assert [caveat.split(";")[0] for caveat in result.caveats] == [
        "There is no clustered standard error yet",
        "Information did not grow enough since the last look",
    ]


def test_the_planned_information_ends_the_plan():
    result = monitor(looks_of(study(0.5)), planned_information=800.0, final=False)

    assert result.looks[-1].fraction == 1.0
    assert len(result.looks) < 5
    assert any("reached before" in caveat for caveat in result.caveats)


def test_no_looks_and_no_plan():
    assert monitor([], planned_information=1.0, final=True).looks == ()
    with pytest.raises(RefusalError, match="above zero"):
        monitor([], planned_information=0.0, final=True)


# D24: beta-binomial mixture with a uniform prior; the e-value is its Bayes factor.
@pytest.mark.parametrize(
    ("wins", "n", "limits", "e_value"),
    [
        (75, 100, (0.596249, 0.870057), 51752.57231),
        (77, 102, (0.603056, 0.872945), None),
        (52, 100, (0.363386, 0.673985), 0.1346578631),
        (0, 20, (0, 0.260671), None),
        (700, 1000, (0.646985, 0.749662), None),
    ],
)
def test_published_confidence_sequences(wins, n, limits, e_value):
    values = np.repeat([1.0, 0.0], [wins, n - wins])

    assert confidence_limits(values) == pytest.approx(limits, abs=1e-5)
    if e_value is not None:
        assert np.exp(log_capital(values, 0.5)[-1]) == pytest.approx(e_value, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_limits_only_narrow_and_mirror(values):
    one = confidence_sequence(np.array(values))
    other = confidence_sequence(1 - np.array(values))

    assert np.all(np.diff(one.low) >= 0)
    assert np.all(np.diff(one.high) <= 0)
    assert 1 - other.high == pytest.approx(one.low, abs=1e-6)
    assert other.e_value == pytest.approx(one.e_value, rel=1e-6)


def test_capital_is_fair_under_the_null():
    # Any distribution with mean m on [0, 1]: the capital's mean is 1; here values of 0, 1/2 and 1.
    outcomes = np.array([[a, b] for a in (0, 0.5, 1) for b in (0, 0.5, 1)])
    chances = np.array([a * b for a in (0.25, 0.5, 0.25) for b in (0.25, 0.5, 0.25)])

    capital = [np.exp(log_capital(pair, 0.5)[-1]) for pair in outcomes]

    assert chances @ capital == pytest.approx(1.0)


def test_consistent_annotators_are_decided_soon():
    result = confidence_sequence(np.full(40, 0.8))

    assert result.rejected_at is not None
    assert result.looks[-1] == 40
    assert len(result.looks) == len(result.low) == 30
    assert result.low[-1] > 0.5
    assert result.e_value >= 20


def test_nobody_yet_and_values_outside():
    empty = confidence_sequence(np.array([]))

    assert (empty.e_value, empty.rejected_at, empty.annotators) == (1.0, None, 0)
    with pytest.raises(RefusalError, match="between 0 and 1"):
        confidence_sequence(np.array([1.5]))


def test_annotators_keep_the_order_in_which_they_came():
    assert annotator_means(np.array([1.0, 0.5, 0.0]), np.array([9, 2, 9])).tolist() == [0.5, 0.5]
    assert annotator_means(np.array([1.0, 0.0]), np.array([9, 2])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("spread", [(0.0, 0.0), (0.5, 0.5)])
def test_five_looks_make_few_false_claims(spread):
    # Required: at most .06 over many replications; 150 have a standard error of .018.
    rng = np.random.default_rng(20230630)
    crossed, bet, naive = 0, 0, 0

    for _ in range(150):
        annotator, prompt = np.sort(rng.integers(71, size=611)), rng.integers(46, size=611)
        odds = rng.normal(0, spread[0] ** 0.5, 71)[annotator] + rng.normal(0, spread[1] ** 0.5, 46)[prompt]
        values = (rng.random(611) < 1 / (1 + np.exp(-odds))).astype(float)
        looks = looks_of((values, annotator, prompt), by_annotator=True)
        crossed += monitor(looks, planned_information=1500.0, final=True).stopped_at is not None
        bet += bool(np.any(log_capital(annotator_means(values, annotator), 0.5) >= np.log(20)))
        naive += any(sign_test(int(e.mean * e.n), e.n - int(e.mean * e.n)) < 0.05 for e in looks)

    assert crossed / 150 <= 0.11
    assert bet / 150 <= 0.11
    assert naive / 150 > (0.08 if spread[0] == 0 else 0.3)
