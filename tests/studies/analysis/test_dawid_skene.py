"""The diagnostic against its publication."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.dawid_skene import dawid_skene
from studies.analysis.refusal import RefusalError
from tests.studies.analysis.kit import cases


def fit(*triples):
    return dawid_skene(*np.array(triples, dtype=np.int64).reshape(-1, 3).T)


def test_the_anaesthetists_of_the_publication():
    # D19: Dawid & Skene (1979): prevalence .40 .42 .11 .07.
    with (cases() / "dawid_skene_anesthesia.csv").open(encoding="utf-8", newline="") as file:
        rows = [[int(row[name]) for name in ("item", "rater", "rating")] for row in csv.DictReader(file)]

    result = fit(*rows)

    assert result.prevalence == pytest.approx([0.399969, 0.421576, 0.111788, 0.066667], abs=1e-4)
    assert result.log_likelihood == pytest.approx(-190.730996595, abs=1e-4)
    assert np.diag(result.errors[0]) == pytest.approx([0.9074, 0.8766, 0.6612, 0.4444], abs=1e-4)
    assert result.categories == (1, 2, 3, 4)


def test_an_annotator_who_does_not_look_has_equal_rows():
    answers = [(unit, who, unit % 2) for unit in range(40) for who in range(3)]
    lazy = [(unit, 3, 1) for unit in range(40)]

    result = fit(*answers, *lazy)

    assert result.errors[3, 0] == pytest.approx(result.errors[3, 1])
    assert result.accuracy == pytest.approx([1, 1, 1, 0.5])
    assert "no true answer" in result.caveats[0]


triples = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30
)


@settings(deadline=None, max_examples=25)  # EM on a few sparse ratings may take all its steps
@given(triples)
def test_any_ratings_give_probabilities_in_any_order(rows):
    try:
        one, other = fit(*rows), fit(*rows[::-1])
    except RefusalError:
        return

    assert one.posterior.sum(axis=1) == pytest.approx(1)
    assert one.errors.sum(axis=2) == pytest.approx(1)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "no judgments"), ([(0, 0, 1), (0, 1, 1)], "same answer"), ([(0, 0, 1), (1, 1, 0)], "judged twice")],
)
def test_nothing_to_compare_is_refused(rows, message):
    with pytest.raises(RefusalError, match=message):
        fit(*rows)
