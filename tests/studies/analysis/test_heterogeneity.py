"""Variance components and shrunk rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.heterogeneity import between_sd, pair_product, shrunk_rates, variance_components
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import any_records


def crossed(annotators, prompts):
    index = np.arange(annotators * prompts)
    return index // prompts, index % prompts


def test_pairs_are_counted_by_enumeration():
    rng = np.random.default_rng(1)
    values, codes = rng.random(12), rng.integers(4, size=12)
    pairs = [(i, j) for i in range(12) for j in range(12) if i != j and codes[i] == codes[j]]

    total, count = pair_product(values, codes)

    assert count == len(pairs)
    assert total == pytest.approx(sum(values[i] * values[j] for i, j in pairs))


def test_a_balanced_table_has_the_analysis_of_variances_components():
    # Oracle: two-way analysis of variance without replication, (MS_A - MS_E) / P and (MS_P - MS_E) / A.
    rng = np.random.default_rng(2)
    annotators, prompts = 9, 7
    table = rng.normal(0, 0.2, (annotators, 1)) + rng.normal(0, 0.1, prompts) + rng.normal(0.5, 0.2, (9, 7))
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    error = np.sum((table - rows - columns + table.mean()) ** 2) / (8 * 6)
    of_rows = (prompts * np.sum((rows - table.mean()) ** 2) / 8 - error) / prompts
    of_columns = (annotators * np.sum((columns - table.mean()) ** 2) / 6 - error) / annotators

    parts = variance_components(table.ravel(), *crossed(annotators, prompts))

    assert parts.annotators == pytest.approx(of_rows)
    assert parts.prompts == pytest.approx(max(of_columns, 0))
    assert parts.residual == pytest.approx(error)
    assert parts.rho_annotators == pytest.approx(of_rows / (of_rows + of_columns + error))


def test_components_below_zero_are_kept_at_zero_and_said():
    annotator, prompt = crossed(8, 8)

    parts = variance_components(((annotator + prompt) % 2).astype(float), annotator, prompt)

    assert (parts.annotators, parts.prompts, parts.rho_annotators) == (0.0, 0.0, 0.0)
    assert len(parts.caveats) == 2


def test_a_part_that_no_pair_shows_is_none():
    # Each annotator judges one prompt only.
    parts = variance_components(np.array([1.0, 0.0, 1.0, 1.0]), np.arange(4), np.array([0, 0, 1, 1]))

    assert parts.annotators is None
    assert "only the annotator" in parts.caveats[0]


@pytest.mark.parametrize("shape", [(0, 0), (1, 5), (5, 1)])
def test_nothing_to_differ_is_refused(shape):
    with pytest.raises(RefusalError, match="not two annotators"):
        variance_components(
            np.ones(shape[0] * shape[1]), *crossed(*shape) if shape[1] else (np.arange(0),) * 2
        )


@given(records=any_records(min_size=1))
def test_any_records_give_components_or_a_refusal(records):
    try:
        parts = variance_components(records.credit, records.annotator, records.prompt)
    except RefusalError:
        return
    assert parts.residual >= 0
    assert 0 <= parts.rho_annotators + parts.rho_prompts <= 1 + 1e-9


def test_efron_and_morris_by_hand():
    # Four annotators of four judgments, means 1, 3/4, 1/4, 0; MSW = 1.5 / 12, MSB = 4 * .625 / 3.
    values = np.array([1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0], float)

    result = shrunk_rates(values, np.arange(16) // 4)

    within, between = 0.125, (4 * 0.625 / 3 - 0.125) / 4
    weight = between / (between + within / 4)
    assert (result.within, result.between, result.mean) == pytest.approx((within, between, 0.5))
    assert [rate.shrunk for rate in result.rates] == pytest.approx(
        [0.5 + weight * (raw - 0.5) for raw in (1, 0.75, 0.25, 0)]
    )
    assert between_sd(result) == pytest.approx(between**0.5)


def test_clusters_that_differ_by_chance_only_are_all_the_mean():
    result = shrunk_rates(np.tile([1.0, 0.0], 20), np.arange(40) // 4)

    assert result.between == 0
    assert {rate.shrunk for rate in result.rates} == {0.5}


def test_ties_only_have_no_spread():
    result = shrunk_rates(np.full(12, 0.5), np.arange(12) // 3)

    assert (result.between, result.within, result.mean) == (0.0, 0.0, 0.5)
    assert all((rate.low, rate.high) == (0.5, 0.5) for rate in result.rates)


def test_clusters_all_alike_inside_keep_their_own_rates():
    result = shrunk_rates(np.repeat([1.0, 0.0, 1.0], 4), np.arange(12) // 4)

    assert [rate.shrunk for rate in result.rates] == [1.0, 0.0, 1.0]


@given(records=any_records(min_size=1), offset=st.integers(0, 50))
def test_shrinking_moves_towards_the_mean_and_mirrors(records, offset):
    try:
        one = shrunk_rates(records.credit, records.annotator)
        other = shrunk_rates(1 - records.credit, records.annotator + offset)
    except RefusalError:
        return
    for rate, mirrored in zip(one.rates, other.rates, strict=True):
        assert abs(rate.shrunk - one.mean) <= abs(rate.raw - one.mean) + 1e-12
        assert mirrored.shrunk == pytest.approx(1 - rate.shrunk)
        assert rate.low <= rate.shrunk + 1e-12
        assert rate.shrunk <= rate.high + 1e-12


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 2], []])
def test_one_cluster_or_one_judgment_each_is_refused(codes):
    with pytest.raises(RefusalError):
        shrunk_rates(np.ones(len(codes)), np.array(codes, dtype=np.int64))
