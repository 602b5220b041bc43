"""The approximate posterior against R's beta distribution."""

import numpy as np
import pytest
from hypothesis import given

from studies.analysis.bayes import beta_posterior, posterior_of
from studies.analysis.interval import estimate_share
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import any_records, grid


def estimate_of(records):
    return estimate_share(records.credit, records.annotator, records.prompt, alpha=0.05)


# D25: R 4.2.2 pbeta, qbeta.
@pytest.mark.parametrize(
    ("wins", "above", "interval"),
    [(75, 0.9999998138, (0.6566518409, 0.8244444369)), (52, 0.654586788, (0.4229612051, 0.6155258258))],
)
def test_published_posteriors(wins, above, interval):
    posterior = beta_posterior(wins, 100)

    assert posterior.p_above_half == pytest.approx(above, abs=1e-8)
    assert (posterior.low, posterior.high) == pytest.approx(interval, abs=1e-8)
    assert posterior.mean == pytest.approx((wins + 1) / 102)


def test_independent_judgments_are_worth_themselves():
    # 200 judgments of 200 annotators on 200 prompts: nothing is shared, so n_eff is n - 1.
    values = np.repeat([1.0, 0.0], [120, 80])

    posterior = posterior_of(estimate_share(values, np.arange(200), np.arange(200), alpha=0.05), margin=0.1)

    assert posterior.trials == pytest.approx(199)
    assert posterior.successes / posterior.trials == pytest.approx(0.6)
    assert posterior.p_equivalent + 1e-12 < posterior.p_not_worse


def test_clustering_makes_it_less_certain():
    # Twelve annotators of ten judgments, each always of one mind, are worth about twelve.
    values = np.repeat([1.0, 0.0, 1.0], 40)

    posterior = posterior_of(estimate_share(values, np.arange(120) // 10, np.arange(120) % 40, alpha=0.05))

    assert posterior.trials == pytest.approx(11, rel=0.05)


@pytest.mark.parametrize(("code", "above"), [(3, 1 - 0.5**9), (1, 0.5), (0, 0.5**9)])
def test_unanimity_counts_clusters(code, above):
    # Eight of eight under a uniform prior: 1 - (1/2)^9, by arithmetic.
    posterior = posterior_of(estimate_of(grid([code], 8, 10)))

    assert posterior.trials == 8
    assert posterior.p_above_half == pytest.approx(above)
    assert posterior.caveats


@pytest.mark.parametrize("shape", [(0, 0), (1, 4), (4, 1)])
def test_no_interval_is_refused(shape):
    with pytest.raises(RefusalError, match="clustered interval"):
        posterior_of(estimate_of(grid([3, 0], *shape)))


def test_more_wins_than_judgments_are_refused():
    with pytest.raises(RefusalError, match="not a share"):
        beta_posterior(3, 2)


@given(records=any_records(min_size=1))
def test_swapping_the_arms_mirrors_the_posterior(records):
    mirrored = estimate_share(1 - records.credit, records.annotator, records.prompt, alpha=0.05)
    try:
        one, other = posterior_of(estimate_of(records), margin=0.1), posterior_of(mirrored, margin=0.1)
    except RefusalError:
        assert mirrored.se is None
        return

    assert other.p_above_half == pytest.approx(1 - one.p_above_half, abs=1e-9)
    assert other.p_equivalent == pytest.approx(one.p_equivalent, abs=1e-9)
    assert other.low == pytest.approx(1 - one.high, abs=1e-9)
