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

    rows = [f"{p},p{p},a{a},A,A" for a in range(3) for p in range(3)]

    assert "no times" in analyze(judgments_of(*rows), looks=LookPlan(GROUPS)).looks.reason
