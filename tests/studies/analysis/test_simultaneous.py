"""Bands, trends and best scales against tables, analyses of single groups, and simulation."""

import csv
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from studies.analysis.clusters import mean_variances
from studies.analysis.interval import estimate_share
from studies.analysis.refusal import RefusalError
from studies.analysis.simultaneous import (
    best_frequency,
    max_t_critical,
    rates_of,
    simultaneous_band,
    trend,
)
from tests.studies.analysis.kit import any_records, cases


def rng(seed=1):
    return np.random.default_rng(seed)


def simulated(seed=1, groups=4, n=1200, means=None, annotators=30, prompts=25):
    draw = rng(seed)
    group = draw.integers(groups, size=n)
    annotator, prompt = draw.integers(annotators, size=n), draw.integers(prompts, size=n)
    lean = draw.normal(0, 0.5, annotators)[annotator] + draw.normal(0, 0.5, prompts)[prompt]
    if means is not None:
        lean = lean + np.asarray(means)[group]
    return (draw.random(n) < 1 / (1 + np.exp(-lean))).astype(float), group, annotator, prompt


def rates(credit, group, annotator, prompt):
    return rates_of(credit, group, int(group.max()) + 1, annotator, prompt)


@pytest.mark.parametrize("m", [2, 5, 10])
def test_independent_statistics_have_the_studentised_maximum_modulus(m):
    # Oracle: the same quantile by numerical integration over the common chi-square.
    df, alpha = 20, 0.05
    found = max_t_critical(np.eye(m), df, alpha=alpha, rng=rng(), draws=200_000)

    scale = np.sqrt(stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, df) / df)
    coverage = np.mean((1 - 2 * stats.norm.sf(found * scale)) ** m)
    assert coverage == pytest.approx(1 - alpha, abs=0.002)


def test_identical_statistics_need_no_adjustment():
    factor = np.ones((6, 1))

    found = max_t_critical(factor, 15, alpha=0.05, rng=rng(), draws=200_000)

    assert found == pytest.approx(stats.t.isf(0.025, 15), abs=0.03)


@given(seed=st.integers(0, 60))
def test_each_group_has_the_standard_errors_of_its_own_analysis(seed):
    credit, group, annotator, prompt = simulated(seed, n=150)

    found = rates(credit, group, annotator, prompt)

    for index in range(4):
        mine = group == index
        alone = mean_variances(credit[mine], annotator[mine], prompt[mine])
        unit = np.eye(4)[index]
        together = found.covariances.variances(unit)
        for name in alone.__slots__:
            assert getattr(together, name) == pytest.approx(getattr(alone, name), abs=1e-12)


def test_a_band_is_wider_than_intervals_one_by_one_and_narrower_than_bonferronis():
    data = simulated()
    band = simultaneous_band(rates(*data), alpha=0.05, rng=rng())

    credit, group, annotator, prompt = data
    for index in range(4):
        mine = group == index
        alone = estimate_share(credit[mine], annotator[mine], prompt[mine], alpha=0.05)
        assert band.means[index] == pytest.approx(alone.mean)
        assert band.se[index] == pytest.approx(alone.se)
        assert band.ci_low[index] < alone.ci_low
    assert stats.t.isf(0.025, band.df) < band.critical < stats.t.isf(0.025 / 4, band.df)


def test_adjusted_p_values_agree_with_the_band():
    band = simultaneous_band(rates(*simulated(means=[0, 0.2, 0.4, 0.9])), alpha=0.05, rng=rng())

    for p_value, low, high in zip(band.p_adjusted, band.ci_low, band.ci_high, strict=True):
        assert (p_value < 0.05) == (not low <= 0.5 <= high)
    assert band.p_adjusted[3] < 0.01


@given(seed=st.integers(0, 30))
def test_swapping_the_arms_mirrors_band_and_slope(seed):
    credit, group, annotator, prompt = simulated(seed, n=200)

    one = simultaneous_band(rates(credit, group, annotator, prompt), alpha=0.05, rng=rng(), draws=500)
    other = simultaneous_band(rates(1 - credit, group, annotator, prompt), alpha=0.05, rng=rng(), draws=500)
    slopes = [
        trend(y, group * 1.0, annotator, prompt, alpha=0.05, rng=rng(), draws=50).slope
        for y in (credit, 1 - credit)
    ]

    assert other.means == pytest.approx([1 - mean for mean in one.means])
    assert other.ci_low == pytest.approx([1 - high for high in one.ci_high])
    assert slopes[1].estimate == pytest.approx(-slopes[0].estimate)
    assert slopes[1].se == pytest.approx(slopes[0].se)


@given(seed=st.integers(0, 30))
def test_the_order_of_rows_is_irrelevant(seed):
    data = simulated(seed, n=200)
    order = rng(seed).permutation(200)

    one = simultaneous_band(rates(*data), alpha=0.05, rng=rng(), draws=500)
    other = simultaneous_band(rates(*(column[order] for column in data)), alpha=0.05, rng=rng(), draws=500)

    assert other.means == pytest.approx(one.means)
    assert other.se == pytest.approx(one.se)


def test_bands_hold_all_at_once_as_often_as_they_say():
    # 200 replications of four groups at 1/2: the standard error of the share is .015.
    covered = 0
    for seed in range(200):
        band = simultaneous_band(rates(*simulated(seed, n=800)), alpha=0.05, rng=rng(), draws=2000)
        covered += all(low <= 0.5 <= high for low, high in zip(band.ci_low, band.ci_high, strict=True))

    assert 0.91 <= covered / 200 <= 1.0


def test_the_slope_is_the_least_squares_line_over_judgments():
    # Oracle: numpy's least squares on the judgments themselves.
    credit, group, annotator, prompt = simulated(means=[-0.3, 0, 0.3, 0.6])
    scale = np.array([1.0, 1.5, 3.0, 6.0])[group]

    found = trend(credit, scale, annotator, prompt, alpha=0.05, rng=rng())

    assert found.slope.estimate == pytest.approx(np.polyfit(scale, credit, 1)[0])
    assert found.scales == (1.0, 1.5, 3.0, 6.0)
    assert found.slope.ci_low > 0
    assert found.best_frequency[3] > 0.7
    assert sum(found.best_frequency) == pytest.approx(1)


def test_equal_scales_share_being_best():
    assert best_frequency(np.full((10, 4), 0.5)) == (0.25,) * 4


def test_a_group_of_one_annotator_has_a_mean_but_no_band():
    credit, group, annotator, prompt = simulated()
    annotator = np.where(group == 0, 0, annotator)

    band = simultaneous_band(rates(credit, group, annotator, prompt), alpha=0.05, rng=rng())

    assert (band.ci_low[0], band.se[0], band.p_adjusted[0]) == (None, None, None)
    assert band.ci_low[1] is not None


def test_a_unanimous_group_has_no_standard_error():
    credit, group, annotator, prompt = simulated()
    credit = np.where(group == 2, 1.0, credit)

    band = simultaneous_band(rates(credit, group, annotator, prompt), alpha=0.05, rng=rng())

    assert (band.means[2], band.se[2], band.ci_low[2]) == (1.0, None, None)
    assert np.isfinite(band.critical)


def test_what_has_no_band_or_trend_is_refused():
    ids, y = np.arange(4), np.array([1.0, 0.0, 1.0, 0.5])

    with pytest.raises(RefusalError, match="no judgments"):
        rates_of(y, np.zeros(4, int), 2, ids, ids)
    with pytest.raises(RefusalError, match="two annotators and two prompts"):
        simultaneous_band(rates_of(y, np.zeros(4, int), 1, np.zeros(4, int), ids), alpha=0.05, rng=rng())
    with pytest.raises(RefusalError, match="one guidance scale only"):
        trend(y, np.ones(4), ids, ids, alpha=0.05, rng=rng())
    with pytest.raises(RefusalError, match="In no resample"):
        best_frequency(np.full((3, 2), np.nan))


def replica():
    with (cases() / "cfg_replica_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    credit = {"guided": 1.0, "tie": 0.5, "standard": 0.0}
    return (
        np.array([credit[row["system"]] for row in rows]),
        np.array([float(row["gamma"]) for row in rows]),
        np.array([int(row["annotator"]) for row in rows]),
        np.array([int(row["user_prompt"]) for row in rows]),
    )


def test_the_replica_over_all_guidance_scales():
    # D27: R sandwich::vcovCL gives each scale's standard errors; the largest of them is taken.
    credit, gamma, annotator, prompt = replica()

    band = simultaneous_band(
        rates(credit, gamma.astype(int) - 1, annotator, prompt), alpha=0.05, rng=rng(), draws=50_000
    )
    found = trend(credit, gamma, annotator, prompt, alpha=0.05, rng=rng())

    expected = [0.0438693320, 0.0543974448, 0.0421527959, 0.0587663392, 0.0521419467, 0.0397800491]
    assert band.se == pytest.approx(expected, abs=1e-9)
    assert band.means[2] == pytest.approx(0.7528089888)
    assert band.critical > sqrt(stats.f.isf(0.05, 1, band.df))
    assert found.best_frequency[2] == max(found.best_frequency)


@given(records=any_records(min_size=2))
@settings(deadline=None, max_examples=150)
def test_thin_data_give_numbers_with_meaning_or_a_reason(records):
    groups = records.comparison % 2
    columns = (records.annotator, records.prompt)

    try:
        band = simultaneous_band(
            rates_of(records.credit, groups, 2, *columns), alpha=0.05, rng=rng(), draws=200
        )
        found = trend(records.credit, groups + 1.0, *columns, alpha=0.05, rng=rng(), draws=50)
    except RefusalError as refused:
        band, reason = None, refused.reason

    if band is None:
        assert reason.endswith(".")
        return
    assert np.isfinite(band.critical)
    for mean, low, high in zip(band.means, band.ci_low, band.ci_high, strict=True):
        assert low is None or 0 <= low <= mean <= high <= 1
    assert sum(found.best_frequency) == pytest.approx(1)
