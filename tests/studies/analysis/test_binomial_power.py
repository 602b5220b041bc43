"""Exact power against R and by enumeration."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.binomial_power import exact_power, exact_size, normal_size
from studies.analysis.naive import sign_test
from studies.analysis.refusal import RefusalError


# D26: R's binom.test at every n; "stable" stays above for 40 more judgments.
@pytest.mark.parametrize(
    ("share", "power", "first", "stable"),
    [(0.65, 0.8, 90, 97), (0.6, 0.8, 199, 210), (0.6, 0.9, 263, 274), (0.75, 0.9, 42, 42)],
)
def test_published_exact_sizes(share, power, first, stable):
    size = exact_size(share, power)

    assert (size.first, size.stable) == (first, stable)
    assert size.power >= power


# D26: Cohen's h, R pwr.p.test, whose root search stops at 1e-5.
@pytest.mark.parametrize(
    ("share", "power", "n"), [(0.65, 0.8, 84.5439713), (0.6, 0.8, 193.583873), (0.55, 0.9, 1047.2324)]
)
def test_published_normal_sizes(share, power, n):
    assert normal_size(share, power) == pytest.approx(n, rel=1e-5)


@given(st.integers(1, 30), st.floats(0.01, 0.99), st.sampled_from([0.01, 0.05, 0.5]))
def test_power_is_the_probability_that_the_sign_test_rejects(n, share, alpha):
    rejected = [k for k in range(n + 1) if sign_test(k, n - k) <= alpha]

    power = exact_power(np.array([n]), share, alpha=alpha)[0]

    assert power == pytest.approx(sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in rejected))


def test_power_is_saw_toothed_and_mirrored():
    n = np.arange(20, 60)
    power = exact_power(n, 0.65)

    assert np.any(np.diff(power) < 0)
    assert exact_power(n, 0.35) == pytest.approx(power)


@pytest.mark.parametrize(("share", "power"), [(0.5, 0.8), (1.2, 0.8), (0.6, 1.0), (0.6, 0.01), (0.5001, 0.9)])
def test_what_cannot_be_reached_is_refused(share, power):
    with pytest.raises(RefusalError):
        exact_size(share, power)
