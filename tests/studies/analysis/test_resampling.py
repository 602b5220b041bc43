"""Bootstraps and sign flips against loops over judgments, exact counts and formulas."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis import resampling
from studies.analysis.clusters import mean_variances
from studies.analysis.refusal import RefusalError
from studies.analysis.resampling import (
    ANNOTATORS,
    PIGEONHOLE,
    PROMPTS,
    SCHEMES,
    bootstrap,
    cluster_weights,
    resampled_rates,
    sign_flip_test,
)


def rng(seed=1):
    return np.random.default_rng(seed)


def clustered(seed=3, annotators=30, prompts=25, n=900):
    draw = rng(seed)
    annotator, prompt = draw.integers(annotators, size=n), draw.integers(prompts, size=n)
    lean = draw.normal(0.3, 0.8, annotators)[annotator] + draw.normal(0, 0.8, prompts)[prompt]
    return (draw.random(n) < 1 / (1 + np.exp(-lean))).astype(float), annotator, prompt


def test_weights_are_multinomial():
    # Oracle: a multinomial count of G draws over G clusters has mean 1 and variance 1 - 1/G.
    weights = cluster_weights(10, 20_000, rng())

    assert np.all(weights.sum(axis=1) == 10)
    assert weights.mean(axis=0) == pytest.approx(np.ones(10), abs=0.03)
    assert weights.var(axis=0) == pytest.approx(np.full(10, 0.9), abs=0.05)


@pytest.mark.parametrize("by", SCHEMES)
@pytest.mark.parametrize("dense", [0, 8])
def test_cluster_sums_equal_a_loop_over_judgments(by, dense, monkeypatch):
    # Oracle: each resample written out, judgment by judgment, with the same weights.
    monkeypatch.setattr(resampling, "DENSE", dense)
    credit, annotator, prompt = clustered(n=60, annotators=7, prompts=5)
    group = np.arange(60) % 2

    found = resampled_rates(credit, annotator, prompt, group=group, groups=2, draws=20, rng=rng(9), by=by)

    same = rng(9)
    kinds = {PIGEONHOLE: (annotator, prompt), ANNOTATORS: (annotator,), PROMPTS: (prompt,)}[by]
    weights = [cluster_weights(len(np.unique(codes)), 20, same) for codes in kinds]
    for draw, index in product(range(20), range(2)):
        of_group = [
            (np.prod([w[draw, codes[i]] for w, codes in zip(weights, kinds, strict=True)]), credit[i])
            for i in range(60)
            if group[i] == index
        ]
        expected = sum(w * y for w, y in of_group) / sum(w for w, _ in of_group)
        assert found[draw, index] == pytest.approx(expected)


@pytest.mark.parametrize(("by", "part"), [(ANNOTATORS, "annotators"), (PROMPTS, "prompts")])
def test_one_way_bootstraps_agree_with_the_sandwich(by, part):
    # Oracle: the cluster variance; 4,000 resamples know a standard error to about 2 %.
    credit, annotator, prompt = clustered()

    found = bootstrap(credit, annotator, prompt, rng=rng(), by=by, draws=4000)

    expected = getattr(mean_variances(credit, annotator, prompt), part) ** 0.5
    assert found.se == pytest.approx(expected, rel=0.08)
    assert found.ci_high - found.ci_low == pytest.approx(2 * 1.96 * expected, rel=0.1)


def test_the_pigeonhole_bootstrap_is_no_narrower_than_two_way_clustering():
    # Owen (2007): its expected variance is at least that of the crossed random effects.
    credit, annotator, prompt = clustered()

    found = bootstrap(credit, annotator, prompt, rng=rng(), draws=4000)

    assert found.se > 0.97 * mean_variances(credit, annotator, prompt).two_way ** 0.5
    assert (found.scheme, found.draws, found.usable, found.clusters) == (PIGEONHOLE, 4000, 4000, 25)


@given(seed=st.integers(0, 40), by=st.sampled_from(SCHEMES))
def test_swapping_the_arms_mirrors_the_interval(seed, by):
    credit, annotator, prompt = clustered(seed, n=80)

    one = bootstrap(credit, annotator, prompt, rng=rng(2), by=by, draws=200)
    other = bootstrap(1 - credit, annotator, prompt, rng=rng(2), by=by, draws=200)

    assert (other.ci_low, other.ci_high) == pytest.approx((1 - one.ci_high, 1 - one.ci_low))


@given(seed=st.integers(0, 40), by=st.sampled_from(SCHEMES))
def test_the_order_of_rows_is_irrelevant(seed, by):
    credit, annotator, prompt = clustered(seed, n=80)
    order = rng(seed).permutation(80)

    one = bootstrap(credit, annotator, prompt, rng=rng(2), by=by, draws=200)
    other = bootstrap(credit[order], annotator[order], prompt[order], rng=rng(2), by=by, draws=200)

    assert (other.ci_low, other.ci_high) == pytest.approx((one.ci_low, one.ci_high))


def test_the_same_generator_gives_the_same_digits():
    data = clustered()

    assert bootstrap(*data, rng=rng(7)) == bootstrap(*data, rng=rng(7))
    assert bootstrap(*data, rng=rng(7)) != bootstrap(*data, rng=rng(8))


def test_blocks_only_bound_the_memory(monkeypatch):
    monkeypatch.setattr(resampling, "BLOCK", 300)

    found = bootstrap(*clustered(), rng=rng(), draws=500)

    assert found.usable == 500


def test_sign_flips_of_few_clusters_count_all_patterns():
    # By hand: sums 1, 1, -1/2 of 2^3 patterns; |sum| >= 3/2 in (+,+,-) (+,+,+) and their mirrors.
    credit, codes = np.array([1.0, 1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 1, 1, 2])

    test = sign_flip_test(credit, codes, rng=rng())

    assert (test.p_value, test.exact, test.draws, test.clusters) == (0.5, True, 8, 3)
    assert "clusters by annotators only" in test.caveat


def test_sign_flips_of_many_clusters_agree_with_the_sign_test():
    # Oracle: with one judgment a cluster it is the exact sign test: 2 P(X >= 19), X ~ Bin(30, 1/2).
    credit = (np.arange(30) < 19).astype(float)

    test = sign_flip_test(credit, np.arange(30), rng=rng(), draws=50_000)

    assert test.p_value == pytest.approx(0.200488, abs=0.006)
    assert not test.exact


def test_ties_only_cannot_be_told_from_one_half():
    assert sign_flip_test(np.full(20, 0.5), np.arange(20), rng=rng()).p_value == 1.0


@given(seed=st.integers(0, 40))
def test_swapping_the_arms_leaves_the_sign_test_alone(seed):
    credit, annotator, _ = clustered(seed, n=60, annotators=9)

    one = sign_flip_test(credit, annotator, rng=rng())

    assert sign_flip_test(1 - credit, annotator, rng=rng()).p_value == one.p_value


@pytest.mark.parametrize(
    ("data", "by", "reason"),
    [
        (([], [], []), PIGEONHOLE, "There are no judgments to analyse."),
        (([0.0, 1.0], [0, 0], [0, 1]), PIGEONHOLE, "There is one cluster only"),
        (([0.0, 1.0], [0, 0], [0, 1]), ANNOTATORS, "There is one cluster only"),
        (([1.0, 1.0], [0, 1], [0, 1]), PIGEONHOLE, "All judgments agree"),
        (([1.0, 0.0], [0, 1], [0, 1]), PIGEONHOLE, "More than a tenth of the resamples"),
        (([1.0, 0.0], [0, 1], [0, 1]), "judgments", "unknown bootstrap"),
    ],
)
def test_what_cannot_be_resampled_is_refused(data, by, reason):
    credit, annotator, prompt = (np.array(column, dtype=float) for column in data)

    with pytest.raises(RefusalError, match=reason):
        bootstrap(credit, annotator.astype(int), prompt.astype(int), rng=rng(), by=by)


def test_one_prompt_can_still_be_resampled_by_annotators():
    found = bootstrap(np.arange(40) % 2 * 1.0, np.arange(40), np.zeros(40, int), rng=rng(), by=ANNOTATORS)

    assert found.ci_low < 0.5 < found.ci_high


def test_no_signs_without_judgments():
    with pytest.raises(RefusalError, match="no judgments"):
        sign_flip_test(np.array([]), np.array([], dtype=int), rng=rng())
