"""Planned looks: the p-value over all of them, by both rules, and what is refused."""

import numpy as np
import pytest

from studies.analysis.interim import monitor
from studies.analysis.interval import estimate_share
from studies.analysis.looks import LookPlan, looks
from studies.analysis.plan import Interim
from studies.analysis.refusal import RefusalError
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of, make_records

GROUPS = Interim("group_sequential", 3)
ANYTIME = Interim("anytime_valid")


def study(share, n=600, seed=2):
    rng = np.random.default_rng(seed)
    outcome = np.where(rng.random(n) < share, 3, 0)
    return make_records(outcome, rng.integers(40, size=n), rng.integers(30, size=n)), np.arange(float(n))


def test_a_single_look_at_the_end_is_the_plain_test():
    records, times = study(0.54)
    plain = estimate_share(records.credit, records.annotator, records.prompt, alpha=0.05)

    found = looks(records, times, LookPlan(GROUPS, planned=600), alpha=0.05)

    assert found.p_value == pytest.approx(plain.p_value, rel=1e-4)
    assert len(found.monitoring.looks) == 1


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_looks_raise_the_p_value_by_what_they_spent(spending):
    records, times = study(0.54)
    plan = LookPlan(Interim("group_sequential", 3, spending), (199.0, 399.0), 600)

    found = looks(records, times, plan, alpha=0.05)
    alone = looks(records, times, LookPlan(GROUPS, planned=600), alpha=0.05)

    assert [look.n for look in found.monitoring.looks] == [200, 400, 600]
    assert found.p_value > alone.p_value
    assert found.monitoring.looks[-1].spent == 0.05


def test_pocock_spends_more_early_than_obrien_and_fleming():
    records, times = study(0.5)
    early = [
        looks(records, times, LookPlan(Interim("group_sequential", 3, name), (199.0,), 600), alpha=0.05)
        for name in ("obrien_fleming", "pocock")
    ]

    # By hand: 4 (1 - Phi(z_.0125 / sqrt(1/3))) and .05 log(1 + (e - 1) / 3).
    spent = [found.monitoring.looks[0].spent for found in early]
    assert spent == pytest.approx([0.000207, 0.022628], rel=2e-3)


def test_the_p_value_is_where_the_boundary_is_just_crossed():
    records, times = study(0.55)
    plan = LookPlan(GROUPS, (299.0,), 600)

    p = looks(records, times, plan, alpha=0.05).p_value
    above = looks(records, times, plan, alpha=p * 1.01).monitoring
    below = looks(records, times, plan, alpha=p * 0.99).monitoring

    assert above.stopped_at is not None
    assert below.stopped_at is None


def test_an_early_crossing_stays_a_crossing():
    records, times = study(0.75)

    found = looks(records, times, LookPlan(GROUPS, (199.0, 399.0), 600), alpha=0.05)

    assert found.monitoring.stopped_at == 1
    assert found.p_value < 0.001


def test_a_look_before_the_end_leaves_error_for_later():
    records, times = study(0.5)

    found = looks(records, times, LookPlan(GROUPS, (), 1200, final=False), alpha=0.05)

    assert found.monitoring.looks[0].fraction == 0.5
    assert found.monitoring.looks[0].spent < 0.01


def test_looking_twice_at_the_same_judgments_is_one_look():
    records, times = study(0.6)

    found = looks(records, times, LookPlan(GROUPS, (299.0, 299.5), 600), alpha=0.05)

    assert [look.n for look in found.monitoring.looks] == [300, 600]


def test_bets_are_made_in_the_order_in_which_annotators_finished():
    # Two annotators, the second code finishes first: by hand, capital after x = 1 is 1, after 0 it falls.
    records = make_records([0, 3, 3, 0], [0, 1, 1, 0], [0, 0, 1, 1])
    times = np.array([1.0, 2.0, 3.0, 9.0])

    found = looks(records, times, LookPlan(ANYTIME), alpha=0.05)

    assert found.sequence.annotators == 2
    assert found.p_value == 1.0


def test_many_annotators_who_agree_reject_whenever_one_stops():
    n = 400
    records = make_records([3] * n, np.arange(n) // 4, np.arange(n) % 4)

    found = looks(records, np.arange(float(n)), LookPlan(ANYTIME), alpha=0.05)

    assert found.p_value < 1e-6
    assert found.sequence.rejected_at == 8  # 2^k / (k + 1) >= 20 first at k = 8: 28.4


@pytest.mark.parametrize("interim", [GROUPS, ANYTIME])
def test_no_judgment_is_no_evidence(interim):
    records = make_records([], [], [])

    found = looks(records, np.zeros(0), LookPlan(interim, planned=10), alpha=0.05)

    assert found.p_value == 1.0


def test_judgments_without_times_are_refused():
    records, _ = study(0.6)

    with pytest.raises(RefusalError, match="have no times"):
        looks(records, None, LookPlan(GROUPS), alpha=0.05)


def test_an_unknown_spending_is_refused():
    with pytest.raises(RefusalError, match="Unknown spending 'thrift'"):
        monitor([], shares=[], final=True, spending="thrift")


def test_a_file_without_times_says_so_in_the_analysis():

    rows = [f"{p},p{p},a{a},A,{'AAB'[(a + p) % 3]}" for a in range(9) for p in range(9)]

    assert "no times" in analyze(judgments_of(*rows), looks=LookPlan(GROUPS)).looks.reason


def test_without_times_nothing_is_claimed_that_one_look_alone_would_show():
    rows = [f"{p},p{p},a{a},A,{'AAAAB'[(a + p) % 5]}" for a in range(9) for p in range(9)]

    alone = analyze(judgments_of(*rows), margin=0.1).headline
    found = analyze(judgments_of(*rows), margin=0.1, looks=LookPlan(GROUPS))

    assert (alone.decision, alone.margins.non_inferiority.decision) == ("superior", "non-inferior")
    assert (found.headline.decision, found.headline.p_holm) == ("not tested", None)
    assert found.headline.margins.non_inferiority.decision == "not tested"
    assert found.headline.margins.equivalence.p_value is None
    first = found.robustness[0]
    assert (first.planned, first.clustering, first.ci_low, first.p_value) == (True, "all_looks", None, None)


def drifting(first, then, n=600, seed=4):
    """Return judgments whose win rate changes half way."""
    rng = np.random.default_rng(seed)
    share = np.where(np.arange(n) < n // 2, first, then)
    outcome = np.where(rng.random(n) < share, 3, 0)
    return make_records(outcome, rng.integers(40, size=n), rng.integers(30, size=n)), np.arange(float(n))


def test_the_interval_over_one_look_is_the_plain_one():
    records, times = study(0.54)
    plain = estimate_share(records.credit, records.annotator, records.prompt, alpha=0.05)

    found = looks(records, times, LookPlan(GROUPS, planned=600), alpha=0.05)

    assert (found.ci_low, found.ci_high) == pytest.approx((plain.ci_low, plain.ci_high), abs=1e-6)


@pytest.mark.parametrize("interim", [GROUPS, ANYTIME])
@pytest.mark.parametrize("share", [0.5, 0.54, 0.57, 0.6, 0.7, 0.3])
def test_the_interval_over_looks_excludes_one_half_where_the_p_value_rejects(interim, share):
    records, times = study(share)

    found = looks(records, times, LookPlan(interim, (199.0, 399.0), 600), alpha=0.05)

    assert (not found.ci_low <= 0.5 <= found.ci_high) == (found.p_value < 0.05)


def test_repeated_intervals_use_the_published_constants():
    # Oracle: O'Brien and Fleming spending at 1/2 and 1, two-sided .05: gsDesign's and DeMets and Lan's (1994)
    # 2.963 and 1.969; with so many clusters t is all but normal.
    rng = np.random.default_rng(1)
    n = 24_000
    records = make_records(np.where(rng.random(n) < 0.5, 3, 0), np.arange(n) % 4000, np.arange(n) // 6)

    found = looks(records, np.arange(float(n)), LookPlan(GROUPS, (n / 2 - 1.0,), n), alpha=0.05)

    reach = [(look.ci_high - look.ci_low) / 2 * look.information**0.5 for look in found.monitoring.looks]
    assert reach == pytest.approx([2.963, 1.969], abs=0.01)


def test_repeated_intervals_cover_at_every_look_at_once():
    # Oracle: independent simulation of three looks at normal scores, not the product's integration.
    rng = np.random.default_rng(8)
    records, times = study(0.5)
    found = looks(records, times, LookPlan(GROUPS, (199.0, 399.0), 600), alpha=0.05).monitoring.looks
    information = np.array([look.information for look in found])
    steps = np.diff(information, prepend=0.0)

    scores = np.cumsum(rng.normal(size=(200_000, 3)) * np.sqrt(steps), axis=1) / np.sqrt(information)
    missed = np.any(np.abs(scores) > [look.boundary for look in found], axis=1).mean()

    assert missed == pytest.approx(0.05, abs=0.002)


def test_a_study_that_ended_on_a_look_spends_only_its_share():
    records, times = study(0.6)
    early, early_times = records.where(times < 200), times[times < 200]

    stopped = looks(early, early_times, LookPlan(GROUPS, (250.0,), 600), alpha=0.05)
    planned = looks(early, early_times, LookPlan(GROUPS, (), 600), alpha=0.05)

    assert stopped.monitoring.looks[0].fraction == pytest.approx(1 / 3)
    assert stopped.ci_high - stopped.ci_low > 1.5 * (planned.ci_high - planned.ci_low)


@pytest.mark.parametrize(("first", "then"), [(0.8, 0.1), (0.1, 0.95), (0.8, 0.25)])
def test_looks_that_contradict_each_other_claim_nothing(first, then):
    records, times = drifting(first, then)

    found = looks(records, times, LookPlan(GROUPS, (299.0,), 600), alpha=0.05)

    assert found.monitoring.stopped_at == 1
    assert found.p_value == 1.0
    assert "contradict each other" in found.caveats[0]
    assert found.ci_low == found.monitoring.looks[-1].ci_low


def day(number):
    return f"2026-01-{1 + number // 40:02}T00:00:00Z"


def test_the_planned_row_of_robustness_holds_over_all_looks_and_the_rest_over_one():
    header = "comparison,prompt,annotator,outcome,submitted_at"
    rows = [
        f"{n},p{n % 7},a{n // 7 % 9},{('win', 'win', 'loss')[n % 3]},2026-01-01T00:{n // 60:02}:{n % 60:02}Z"
        for n in range(126)
    ]
    judgments = judgments_of(*rows, header=header)
    moment = float(judgments.times()[60])

    found = analyze(judgments, looks=LookPlan(GROUPS, (moment,), 126))

    first, second = found.robustness[:2]
    assert [row.planned for row in found.robustness].count(True) == 1
    assert (first.clustering, first.ci_low, first.ci_high) == ("all_looks", *found.headline.interval)
    assert first.p_value == found.headline.p_sequential > second.p_value
    assert (second.clustering, second.ci_low) == ("largest", found.headline.rate.estimate.ci_low)


def test_every_criterion_spends_by_itself():
    rng = np.random.default_rng(3)
    rows = [
        f"{k},p{k % 20},a{k % 25},{name},{'win' if rng.random() < share else 'loss'},{day(k)}"
        for k in range(400)
        for name, share in (("first", 0.7), ("second", 0.57))
    ]
    found = judgments_of(*rows, header="comparison,prompt,annotator,criterion,outcome,submitted_at")
    moments = (float(np.median(found.times())),)

    with_looks = analyze(found, looks=LookPlan(GROUPS, moments, 400), margin=0.1)
    without = analyze(found, margin=0.1)

    for over, alone in zip(with_looks.results, without.results, strict=True):
        assert over.p_sequential > alone.rate.estimate.p_value
        assert over.interval[1] - over.interval[0] > alone.interval[1] - alone.interval[0]
        worse, plain = over.margins.non_inferiority, alone.margins.non_inferiority
        assert worse.limit < plain.limit
        assert worse.p_value > plain.p_value
        assert over.margins.equivalence.low == worse.limit
