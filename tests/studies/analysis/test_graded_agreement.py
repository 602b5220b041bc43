"""Krippendorff's alpha on ordered and measured categories."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.agreement import alpha_interval, krippendorff_alpha, rating_counts
from studies.analysis.graded_agreement import METRICS, alpha_of_scores, graded_alpha
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import cases

# Krippendorff (2011), four observers and twelve units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
RATINGS = [(unit, value) for row in OBSERVERS for unit, value in enumerate(row) if value is not None]
UNITS, VALUES = np.array(RATINGS).T
COUNTS = rating_counts(UNITS, VALUES)
# D05: published as .743 .815 .849 .797; the digits are R's irr::kripp.alpha.
PUBLISHED = {
    "nominal": 0.7434210526,
    "ordinal": 0.8153875038,
    "interval": 0.8491071429,
    "ratio": 0.7974027747,
}


def alpha_of(counts, values, metric, seed=1):
    rng = np.random.default_rng(seed)
    return graded_alpha(counts, np.asarray(values, float), metric=metric, level=0.05, rng=rng)


@pytest.mark.parametrize("metric", METRICS)
def test_krippendorffs_own_example(metric):
    result = alpha_of(COUNTS, range(1, 6), metric)

    assert result.alpha == pytest.approx(PUBLISHED[metric], abs=1e-9)
    assert alpha_of_scores(UNITS, VALUES.astype(float), metric=metric) == pytest.approx(result.alpha)
    assert result.low < result.alpha <= result.high
    assert result.comparisons == 11


def test_llmfaos_interval_alpha():
    # D15: irrCAC; a tie lies half way.
    with (cases() / "llmfao_votes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    credit = {"left": 1.0, "tie": 0.5, "right": 0.0}
    units = np.array([int(row["pair_id"]) for row in rows])

    alpha = alpha_of_scores(units, np.array([credit[row["winner"]] for row in rows]), metric="interval")

    assert alpha == pytest.approx(0.28776, abs=5e-6)


def test_the_nominal_interval_is_the_other_modules():
    # Same resampling, same seed, two ways to compute alpha.
    result = alpha_of(COUNTS, range(1, 6), "nominal", seed=7)

    assert (result.low, result.high) == pytest.approx(alpha_interval(COUNTS, level=0.05, seed=7))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 2)), max_size=30), st.sampled_from(METRICS[:3]))
def test_turning_the_scale_around_changes_nothing(ratings, metric):
    units, scores = np.array(ratings or np.empty((0, 2)), dtype=np.int64).reshape(-1, 2).T

    one = alpha_of_scores(units, scores.astype(float), metric=metric)
    other = alpha_of_scores(units, -scores.astype(float), metric=metric)

    assert one == pytest.approx(other)
    assert one is None or one <= 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=30))
def test_two_categories_have_no_order(ratings):
    units, scores = np.array(ratings).T

    nominal = krippendorff_alpha(rating_counts(units, scores))

    for metric in ("ordinal", "interval"):
        assert alpha_of_scores(units, scores.astype(float), metric=metric) == pytest.approx(nominal)


def test_alike_or_single_ratings_leave_alpha_undefined():
    alike = alpha_of(np.array([[2.0], [3.0]]), [1], "ordinal")
    single = alpha_of(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1], "interval")

    assert (alike.alpha, alike.low, alike.comparisons) == (None, None, 2)
    assert (single.alpha, single.high, single.comparisons) == (None, None, 0)


def test_one_comparison_has_alpha_but_no_interval():
    result = alpha_of(np.array([[2.0, 1.0]]), [0, 1], "interval")

    assert result.alpha == pytest.approx(0.0)
    assert (result.low, result.high) == (None, None)


@pytest.mark.parametrize(
    ("values", "metric", "message"),
    [([1, 0], "ordinal", "ascending"), ([-1, 1], "ratio", "negative"), ([0, 1], "cubic", "Unknown metric")],
)
def test_scales_without_meaning_are_refused(values, metric, message):
    with pytest.raises(RefusalError, match=message):
        alpha_of(np.array([[1.0, 1.0]]), values, metric)
