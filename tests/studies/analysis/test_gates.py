"""Gatekeeping: the order of claims, and that none is tested before its gate opens."""

import numpy as np
import pytest

from studies.analysis.gates import NON_INFERIORITY, SUPERIORITY, gates
from studies.analysis.interval import estimate_share
from studies.analysis.noninferiority import gatekeeping


def judged(share, seed=3, n=800):
    rng = np.random.default_rng(seed)
    values = (rng.random(n) < share).astype(float)
    return estimate_share(values, rng.integers(40, size=n), rng.integers(30, size=n), alpha=0.05)


def steps_of(*shares, margin=None, pairs=1):
    criteria = [(f"c{k}", e := judged(share), e.p_value) for k, share in enumerate(shares)]
    return gates(criteria, margin=margin, alpha=0.05, pairs=pairs)


def test_each_claim_waits_for_the_ones_before_it():
    found = steps_of(0.7, 0.5, 0.7)

    assert [(step.criterion, step.claim, step.decision) for step in found] == [
        ("c0", SUPERIORITY, "shown"),
        ("c1", SUPERIORITY, "not shown"),
        ("c2", SUPERIORITY, "not tested"),
    ]
    assert found[2].p_value < 0.001
    assert found[2].p_corrected is None


def test_with_a_margin_non_inferiority_comes_between():
    found = steps_of(0.7, 0.55, margin=0.1)

    assert [(step.criterion, step.claim) for step in found] == [
        ("c0", SUPERIORITY),
        ("c1", NON_INFERIORITY),
        ("c1", SUPERIORITY),
    ]
    # Oracle: the two-step test of the same module family, written independently.
    pair = gatekeeping(judged(0.7), judged(0.55), margin=0.1)
    assert found[1].p_corrected == pytest.approx(pair.p_second, abs=1e-15)


def test_an_inferior_candidate_opens_no_gate():
    found = steps_of(0.3, 0.7)

    assert [step.decision for step in found] == ["shown", "not tested"]


def test_several_pairs_share_the_error():
    (one,), (three,) = steps_of(0.56), steps_of(0.56, pairs=3)

    assert three.p_corrected == pytest.approx(3 * one.p_corrected)


def test_what_could_not_be_tested_closes_the_gate():
    alone = estimate_share(np.array([1.0]), np.array([0]), np.array([0]), alpha=0.05)

    found = gates([("a", alone, alone.p_value), ("b", judged(0.8), 0.0001)], margin=None, alpha=0.05)

    assert [step.decision for step in found] == ["not tested", "not tested"]


def test_no_criterion_is_no_step():
    assert gates([], margin=None, alpha=0.05) == ()


def test_false_claims_stay_below_alpha_when_nothing_is_true():
    # Independent judgments, three true nulls: by the fixed sequence at most 5 % make any claim;
    # 400 replications, so that .08 is more than 2.7 standard errors above it.
    rng = np.random.default_rng(12)
    claims = 0
    for _ in range(400):
        p_values = [judged(0.5, seed=int(rng.integers(2**31)), n=200) for _ in range(3)]
        steps = gates([(str(k), e, e.p_value) for k, e in enumerate(p_values)], margin=None, alpha=0.05)
        claims += any(step.decision == "shown" for step in steps)

    assert claims / 400 <= 0.08
