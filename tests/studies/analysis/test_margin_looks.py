"""Margins over looks: the plain test at one look, stricter at several, untested without any."""

import numpy as np
import pytest

from studies.analysis.further import margins
from studies.analysis.interim import confidence_limits
from studies.analysis.interval import estimate_share
from studies.analysis.looks import LookPlan, looks
from studies.analysis.margin_looks import OVER_LOOKS, mirrored, over_looks, p_above
from studies.analysis.noninferiority import Decision
from studies.analysis.plan import Interim
from tests.studies.analysis.kit import grid, make_records
from tests.studies.analysis.test_looks import ANYTIME, GROUPS, study


def both(records, times, plan, margin=0.1):
    estimate = estimate_share(records.credit, records.annotator, records.prompt, alpha=0.05)
    plain = margins(estimate, margin=margin, alpha=0.05)
    return plain, over_looks(plain, looks(records, times, plan, alpha=0.05), alpha=0.05)


def test_one_look_at_the_end_is_the_plain_test():
    records, times = study(0.48)

    plain, found = both(records, times, LookPlan(GROUPS, planned=600))

    assert found.non_inferiority.p_value == pytest.approx(plain.non_inferiority.p_value, rel=1e-3)
    assert found.non_inferiority.limit == pytest.approx(plain.non_inferiority.limit, abs=1e-6)
    assert found.equivalence.p_value == pytest.approx(plain.equivalence.p_value, rel=1e-3)
    assert (found.equivalence.low, found.equivalence.high) == pytest.approx(
        (plain.equivalence.low, plain.equivalence.high), abs=1e-6
    )
    assert OVER_LOOKS in found.non_inferiority.caveats


@pytest.mark.parametrize("share", [0.42, 0.46, 0.5, 0.54, 0.6])
@pytest.mark.parametrize("interim", [GROUPS, Interim("group_sequential", 3, "pocock")])
def test_the_limit_lies_above_the_bound_where_the_p_value_rejects(interim, share):
    records, times = study(share)

    _, found = both(records, times, LookPlan(interim, (199.0, 399.0), 600))

    worse, same = found.non_inferiority, found.equivalence
    assert (worse.limit > worse.bound) == (worse.decision is Decision.NON_INFERIOR)
    assert (same.low > worse.bound and same.high < 1 - worse.bound) == (same.decision is Decision.EQUIVALENT)


def test_bets_show_non_inferiority_where_their_limit_lies_above_the_bound():
    records, times = study(0.7, n=2000)

    _, found = both(records, times, LookPlan(ANYTIME), margin=0.05)

    assert found.non_inferiority.decision is Decision.NON_INFERIOR
    assert found.non_inferiority.limit > 0.45
    # Oracle: the limits come from a root search, the p-value from the capital; they meet at the limit.
    series = looks(records, times, LookPlan(ANYTIME), alpha=0.05).series
    low, high = confidence_limits(series.means, alpha=0.05)
    assert p_above(series, low) <= 0.05 + 1e-6
    assert p_above(mirrored(series), 1 - high) <= 0.05 + 1e-6
    assert p_above(series, high) == 1.0


def test_without_a_look_that_can_be_made_nothing_is_tested():
    records = grid([3], 8, 8)  # all win: no variance, hence no look

    plain, found = both(records, np.arange(64.0), LookPlan(GROUPS, planned=64))

    assert plain.non_inferiority.decision is Decision.NON_INFERIOR
    assert found.non_inferiority.decision is found.equivalence.decision is Decision.NOT_TESTED
    assert found.non_inferiority.p_value is None


def test_what_has_no_test_stays_without_one():
    records = make_records([3, 0], [0, 0], [0, 1])

    plain, found = both(records, np.arange(2.0), LookPlan(GROUPS, planned=2))

    assert found == plain
