"""Agreement against published tables."""

import csv
import json

import numpy as np
import pytest

from studies.analysis.agreement import (
    agreement,
    alpha_interval,
    gwet_ac1,
    krippendorff_alpha,
    rating_counts,
    raw_agreement,
)
from studies.analysis.records import BOTH_BAD, LOSS, TIE, WIN
from tests.studies.analysis.kit import cases, make_records

# Krippendorff (2011), four observers and twelve units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


def table(observers):
    ratings = [(unit, value) for row in observers for unit, value in enumerate(row) if value is not None]
    units, values = np.array(ratings).T
    return rating_counts(units, values)


def test_krippendorffs_own_example():
    # D05: nominal alpha .743; Krippendorff (2011), R irr::kripp.alpha.
    assert krippendorff_alpha(table(OBSERVERS)) == pytest.approx(0.7434210526, abs=1e-9)


def test_gwets_example_with_missing_ratings():
    # D07: the same ratings in Gwet's book; irrCAC: pa .818181818182, AC1 .77544.
    assert raw_agreement(table(OBSERVERS)) == pytest.approx(0.818181818182, abs=1e-9)
    assert gwet_ac1(table(OBSERVERS)) == pytest.approx(0.77544, abs=5e-6)


def test_llmfaos_agreement():
    # D15: irrCAC on 8,931 judgments of 2,139 pairs.
    with (cases() / "llmfao_votes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = json.loads((cases() / "answers.json").read_text())["D15_llmfao_agreement"]
    _, values = np.unique([row["winner"] for row in rows], return_inverse=True)

    counts = rating_counts(np.array([int(row["pair_id"]) for row in rows]), values)

    assert raw_agreement(counts) == pytest.approx(expected["pa"], abs=5e-6)
    assert gwet_ac1(counts) == pytest.approx(expected["AC1"], abs=5e-6)
    assert krippendorff_alpha(counts) == pytest.approx(expected["krippendorff_nominal"], abs=5e-6)
    low, high = alpha_interval(counts, level=0.05, seed=1)
    # irrCAC's standard error of alpha is .00952.
    assert (high - low) / (2 * 1.96) == pytest.approx(expected["kripp_se"], rel=0.1)


def test_perfect_agreement_is_one_and_its_interval_too():
    records = make_records([WIN, WIN, LOSS, LOSS], [0, 1, 0, 1], [0, 0, 1, 1], comparison=[0, 0, 1, 1])

    result = agreement(records, level=0.05, seed=1)

    assert (result.comparisons, result.raw, result.alpha, result.ac1) == (2, 1.0, 1.0, 1.0)


def test_tie_and_both_bad_are_different_answers():
    records = make_records([TIE, BOTH_BAD], [0, 1], [0, 0], comparison=[0, 0])

    assert agreement(records, level=0.05, seed=1).raw == 0.0


def test_one_category_leaves_alpha_undefined():
    records = make_records([WIN] * 4, [0, 1, 0, 1], [0, 0, 1, 1], comparison=[0, 0, 1, 1])

    result = agreement(records, level=0.05, seed=1)

    assert (result.raw, result.alpha, result.alpha_low, result.ac1) == (1.0, None, None, None)


def test_single_judgments_say_nothing_of_agreement():
    result = agreement(make_records([WIN, LOSS], [0, 1], [0, 1]), level=0.05, seed=1)

    assert (result.comparisons, result.raw, result.alpha, result.ac1) == (0, None, None, None)


def test_the_interval_is_redone_by_its_seed():
    counts = table(OBSERVERS)

    assert alpha_interval(counts, level=0.05, seed=3) == alpha_interval(counts, level=0.05, seed=3)
    assert alpha_interval(counts, level=0.05, seed=3) != alpha_interval(counts, level=0.05, seed=4)
