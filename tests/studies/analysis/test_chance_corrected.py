"""Fleiss' kappa and Gwet's AC1 against the publications and irrCAC."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.agreement import gwet_ac1, rating_counts, raw_agreement
from studies.analysis.chance_corrected import fleiss_kappa, gwet_coefficient
from tests.studies.analysis.kit import cases
from tests.studies.analysis.test_graded_agreement import COUNTS

# Fleiss (1971), table 1: thirty patients, six psychiatrists, five diagnoses, as counts.
FLEISS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
DIAGNOSES = np.array([[float(digit) for digit in row] for row in FLEISS.split()])


def test_fleiss_own_example():
    # D06: Fleiss (1971) .430; R irr::kappam.fleiss z 17.65.
    result = fleiss_kappa(DIAGNOSES)

    assert result.value == pytest.approx(0.4302445201, abs=1e-9)
    assert result.z == pytest.approx(17.65183058, abs=1e-8)
    assert (result.units, result.rated_twice) == (30, 30)


def test_gwets_example_with_missing_ratings():
    # D07: irrCAC in R.
    kappa, ac1 = fleiss_kappa(COUNTS), gwet_coefficient(COUNTS)

    assert (kappa.value, kappa.se) == pytest.approx((0.76117, 0.15302), abs=5e-6)
    assert (ac1.value, ac1.se) == pytest.approx((0.77544, 0.14295), abs=5e-6)
    assert ac1.observed == pytest.approx(0.818181818182, abs=1e-9)
    assert (ac1.high, kappa.z) == (1.0, None)


def test_llmfaos_agreement():
    # D15: irrCAC on 8,931 judgments of 2,139 pairs.
    with (cases() / "llmfao_votes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    _, values = np.unique([row["winner"] for row in rows], return_inverse=True)
    counts = rating_counts(np.array([int(row["pair_id"]) for row in rows]), values)

    assert fleiss_kappa(counts).value == pytest.approx(0.28687, abs=5e-6)
    ac1 = gwet_coefficient(counts)
    assert (ac1.value, ac1.se) == pytest.approx((0.29579, 0.00996), abs=5e-6)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any), max_size=8))
def test_any_table_gives_numbers_or_none(rows):
    counts = np.array(rows, dtype=float).reshape(-1, 3)

    for result in (fleiss_kappa(counts), gwet_coefficient(counts)):
        numbers = [result.value, result.se, result.low, result.high, result.observed, result.z]
        assert all(number is None or np.isfinite(number) for number in numbers)
        if result.value is not None:
            assert result.observed == pytest.approx(raw_agreement(counts))


def test_the_value_is_the_plain_ac1():
    assert gwet_coefficient(DIAGNOSES).value == pytest.approx(gwet_ac1(DIAGNOSES))


def test_perfect_agreement_is_one():
    result = fleiss_kappa(np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]]))

    assert (result.value, result.se) == pytest.approx((1.0, 0.0))


@pytest.mark.parametrize("counts", [np.empty((0, 3)), np.array([[2.0, 0.0], [3.0, 0.0]]), np.eye(2)])
def test_nothing_to_compare_is_undefined(counts):
    assert fleiss_kappa(counts).value is None
    assert gwet_coefficient(counts).value is None


def test_one_comparison_has_no_standard_error():
    result = fleiss_kappa(np.array([[2.0, 1.0]]))

    # By hand: observed 1/3, chance 5/9.
    assert result.value == pytest.approx(-0.5)
    assert result.se is None
