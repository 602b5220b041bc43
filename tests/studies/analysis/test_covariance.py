"""Covariances of several estimates against the mean's own formula, loops, and numpy."""

import numpy as np
import pytest
from hypothesis import given
from scipy import sparse, stats

from studies.analysis import covariance
from studies.analysis.clusters import mean_variances
from studies.analysis.covariance import (
    cluster_sums,
    contrast_of,
    nearest_correlation,
    two_way_covariances,
)
from tests.studies.analysis.kit import any_records


def scores(seed=1, n=120, k=3):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, k)) * (rng.random((n, k)) < 0.6)
    return dense, rng.integers(12, size=n), rng.integers(9, size=n)


def two_way(values, annotator, prompt):
    return two_way_covariances(values, np.eye(values.shape[1]), annotator, prompt)


@given(records=any_records(min_size=3))
def test_one_column_is_the_variance_of_a_mean(records):
    # Oracle: the six bincounts, which are held against R and statsmodels.
    residuals = (records.credit - records.credit.mean()) / len(records)

    found = two_way(residuals[:, np.newaxis], records.annotator, records.prompt)

    expected = mean_variances(records.credit, records.annotator, records.prompt)
    for name in expected.__slots__:
        part, value = getattr(found, name), getattr(expected, name)
        assert (part is None) == (value is None)
        if value is not None:
            assert part[0, 0] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("limit", [0, 2**24])
def test_sparse_scores_give_the_same_as_dense(limit, monkeypatch):
    monkeypatch.setattr(covariance, "DENSE_SUMS", limit)
    dense, annotator, prompt = scores()

    one = two_way(dense, annotator, prompt)
    other = two_way(sparse.csr_array(dense), annotator, prompt)

    assert other.two_way == pytest.approx(one.two_way)
    assert other.independent == pytest.approx(one.independent)


def test_sums_of_clusters_equal_a_loop():
    dense, annotator, _ = scores()

    found = cluster_sums(sparse.csr_array(dense), annotator)

    expected = [sum(row for row, code in zip(dense, annotator, strict=True) if code == c) for c in range(12)]
    assert found == pytest.approx(np.array(expected))


def test_a_contrast_takes_the_largest_variance_and_the_t_distribution():
    # Oracle: scipy's t with min(12, 9) - 1 = 8 degrees of freedom.
    covariances = two_way(*scores())
    difference = np.array([1.0, -1.0, 0.0])

    found = contrast_of(5.0, covariances, difference, alpha=0.1)

    parts = (covariances.annotators, covariances.prompts, covariances.two_way, covariances.independent)
    se = max(difference @ part @ difference for part in parts) ** 0.5
    assert covariances.df == 8
    assert found.se == pytest.approx(se)
    assert (found.ci_low, found.ci_high) == pytest.approx(stats.t.interval(0.9, 8, 5.0, se))
    assert found.p_value == pytest.approx(2 * stats.t.sf(5 / se, 8))


def test_a_contrast_without_variance_has_no_interval():
    covariances = two_way(*scores())

    found = contrast_of(0.0, covariances, np.zeros(3), alpha=0.05)

    assert (found.se, found.ci_low, found.p_value) == (None, None, None)


def test_one_annotator_has_no_interval():
    dense, annotator, prompt = scores()

    covariances = two_way(dense, np.zeros_like(annotator), prompt)

    assert (covariances.annotators, covariances.two_way, covariances.df) == (None, None, 0)
    assert contrast_of(1.0, covariances, np.eye(3)[0], alpha=0.05).se is None


def test_correlations_of_a_proper_matrix_are_numpys():
    dense, _, _ = scores()
    matrix = np.cov(dense.T)

    assert nearest_correlation(matrix) == pytest.approx(np.corrcoef(dense.T))


def test_an_improper_matrix_is_repaired():
    matrix = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])

    found = nearest_correlation(matrix)

    assert np.linalg.eigvalsh(matrix)[0] < 0
    assert np.linalg.eigvalsh(found)[0] > -1e-12
    assert np.diag(found) == pytest.approx(np.ones(3))


def test_an_estimate_that_does_not_vary_is_uncorrelated():
    assert nearest_correlation(np.diag([1.0, 0.0])) == pytest.approx(np.eye(2))
