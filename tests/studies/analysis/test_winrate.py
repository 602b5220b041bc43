"""One criterion: published replica, symmetries and thin data."""

import csv
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.clusters import mean_variances
from studies.analysis.records import BOTH_BAD, LOSS, SLOT_A, SLOT_B, SLOT_UNKNOWN, TIE, WIN
from studies.analysis.winrate import win_rate
from tests.studies.analysis.kit import SWAP, any_records, cases, grid, make_records


def rate_of(records, ties="half"):
    return win_rate(records, alpha=0.05, ties=ties, seed=1)


def replica(gamma, criterion):
    """Return the synthetic replica of the paper's human study (own work, CC0)."""
    with (cases() / "cfg_replica_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["gamma"]) == gamma]
    codes = {"guided": WIN, "tie": TIE, "standard": LOSS}
    return make_records(
        [codes[row[criterion]] for row in rows],
        [int(row["annotator"]) for row in rows],
        [int(row["user_prompt"]) for row in rows],
        slot=[SLOT_A if row["guided_side"] == "left" else SLOT_B for row in rows],
    )


def answers(criterion):
    """Return what R printed for each gamma, as numbers."""
    text = (cases() / "cfg_replica_dev_R_output.txt").read_text()
    part = text.split(f"== criterion {criterion}")[1].split("== criterion")[0]
    for line in re.findall(r"^g=.*$", part, re.MULTILINE):
        yield {name: float(value) for name, value in re.findall(r"(\w+)=(-?[\d.]+(?:e-?\d+)?)", line)}


@pytest.mark.parametrize("criterion", ["system", "user"])
def test_every_cell_of_the_replica(criterion):
    # D27: R 4.2.2, sandwich::vcovCL with its defaults. The plain two-way SE is a part of the headline.
    for expected in answers(criterion):
        records = replica(int(expected["g"]), criterion)

        rate = rate_of(records)

        assert (rate.wins, rate.ties, rate.losses) == (expected["W"], expected["T"], expected["L"])
        assert rate.estimate.mean == pytest.approx(expected["half"], abs=1e-9)
        assert rate.decided.mean == pytest.approx(expected["drop"], abs=1e-9)
        assert rate.naive.sign_test_p == pytest.approx(expected["binomP"], rel=1e-6)
        variances = mean_variances(records.credit, records.annotator, records.prompt)
        parts = [variances.independent, variances.annotators, variances.prompts, variances.two_way]
        names = ("SEiid", "SEannot", "SEuser", "SE2")
        assert np.sqrt(parts) == pytest.approx([expected[name] for name in names], abs=1e-9)
        assert rate.estimate.df == expected["df"]
        assert rate.estimate.se == pytest.approx(max(expected[name] for name in names), abs=1e-9)
        plain = (rate.estimate.mean - 0.5) / expected["SE2"]
        assert plain == pytest.approx(expected["t"], rel=1e-7)


def test_the_headline_of_the_replica_at_scale_3():
    rate = rate_of(replica(3, "system"))

    assert rate.estimate.se_from == "prompts"
    assert (rate.estimate.ci_low, rate.estimate.ci_high) == pytest.approx((0.667, 0.839), abs=5e-4)
    assert rate.estimate.statistic == pytest.approx(6.00, abs=5e-3)


@given(records=any_records(min_size=1), ties=st.sampled_from(["half", "drop"]))
def test_swapping_the_arms_mirrors_everything(records, ties):
    swapped = make_records(
        SWAP[records.outcome],
        records.annotator,
        records.prompt,
        comparison=records.comparison,
        slot=1 - records.candidate_slot,
    )

    one, other = rate_of(records, ties), rate_of(swapped, ties)

    assert (other.wins, other.ties, other.both_bad, other.losses) == (
        *(one.losses, one.ties, one.both_bad, one.wins),
    )
    if one.estimate.mean is not None:
        assert other.estimate.mean == pytest.approx(1 - one.estimate.mean)
        assert other.net == pytest.approx(-one.net)
    if one.estimate.p_value is not None:
        assert other.estimate.p_value == pytest.approx(one.estimate.p_value)
        assert other.estimate.ci_low == pytest.approx(1 - one.estimate.ci_high)
    if one.naive.wilson_low is not None:
        assert other.naive.wilson_low == pytest.approx(1 - one.naive.wilson_high)
    assert other.position.mean == one.position.mean
    assert other.agreement.alpha == pytest.approx(one.agreement.alpha)


@given(records=any_records(min_size=1), data=st.data())
def test_the_order_of_rows_is_irrelevant(records, data):
    order = np.array(data.draw(st.permutations(range(len(records)))))

    one, other = rate_of(records), rate_of(records.where(order))

    assert other.estimate.mean == pytest.approx(one.estimate.mean)
    assert other.estimate.se == pytest.approx(one.estimate.se)
    assert other.estimate.p_value == pytest.approx(one.estimate.p_value)
    assert other.agreement == one.agreement
    assert other.position.mean == pytest.approx(one.position.mean)


@given(records=any_records(min_size=2))
def test_doubling_every_cluster_halves_the_variance(records):
    def twice(codes):
        return np.concatenate([codes, codes + 10])

    one = mean_variances(records.credit, records.annotator, records.prompt)
    two = mean_variances(np.tile(records.credit, 2), twice(records.annotator), twice(records.prompt))

    for name, clusters in (
        ("annotators", len(np.unique(records.annotator))),
        ("prompts", len(np.unique(records.prompt))),
        ("independent", len(records)),
    ):
        if getattr(one, name) is not None:
            # V is sums / n^2 * G/(G-1): sums double, n^2 quadruples, G doubles.
            ratio = 0.5 * (2 * clusters / (2 * clusters - 1)) / (clusters / (clusters - 1))
            assert getattr(two, name) == pytest.approx(ratio * getattr(one, name), abs=1e-12)


@given(records=any_records(min_size=1))
def test_an_annotator_of_ties_moves_the_rate_toward_one_half(records):
    n = len(records)
    more = make_records(
        [*records.outcome, *[TIE] * n], [*records.annotator, *[9] * n], [*records.prompt, *records.prompt]
    )

    before, after = rate_of(records).estimate.mean, rate_of(more).estimate.mean

    assert after - 0.5 == pytest.approx((before - 0.5) / 2)


def test_dropping_ties_makes_the_decided_rate_the_headline():
    records = grid([WIN, TIE, WIN, LOSS, BOTH_BAD], 6, 7)

    rate = rate_of(records, ties="drop")

    assert rate.estimate == rate.decided
    assert rate.estimate.n == rate.wins + rate.losses
    assert (rate.ties, rate.both_bad) == (9, 8)


def test_both_bad_is_counted_apart_and_credited_half():
    rate = rate_of(grid([WIN, BOTH_BAD], 6, 6))

    assert (rate.wins, rate.ties, rate.both_bad, rate.losses) == (18, 0, 18, 0)
    assert rate.estimate.mean == 0.75


def test_ties_only_have_no_decided_rate():
    rate = rate_of(grid([TIE], 6, 6))

    assert (rate.estimate.mean, rate.estimate.p_value) == (0.5, 1.0)
    assert (rate.decided.mean, rate.naive.sign_test_p, rate.position.mean) == (None, None, None)
    assert "No judgment prefers a side: every one is a tie." in rate.caveats


def test_position_goes_back_to_the_slot_frame():
    # The candidate stands in A twice and in B twice; A is chosen in three of four.
    records = make_records([WIN, WIN, LOSS, WIN], range(4), range(4), slot=[SLOT_A, SLOT_A, SLOT_B, SLOT_B])

    assert rate_of(records).position.mean == 0.75


def test_slots_unknown_leave_position_out_with_a_caveat():
    records = make_records([WIN, LOSS], [0, 1], [0, 1], slot=[SLOT_UNKNOWN] * 2)

    rate = rate_of(records)

    assert rate.position.n == 0
    assert "The file does not say in which slot the candidate was: no position effect." in rate.caveats


def test_one_slot_only_is_confounded_and_says_so():
    records = make_records([WIN, LOSS], [0, 1], [0, 1], slot=[SLOT_A] * 2)

    assert any("always in the same slot" in caveat for caveat in rate_of(records).caveats)
