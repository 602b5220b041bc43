"""The headline under other rules: one row is the plan's, the rest decide nothing."""

import numpy as np
import pytest

from studies.analysis.robustness import CLUSTERINGS, robustness
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,outcome,excluded"


@pytest.fixture
def judgments():
    rng = np.random.default_rng(3)
    rows = [
        f"{p},p{p},a{a},{('win', 'tie', 'loss')[rng.choice(3, p=(0.5, 0.2, 0.3))]},{int(a == 0)}"
        for a in range(8)
        for p in range(9)
    ]
    return judgments_of(*rows, header=HEADER)


def test_the_first_row_is_the_planned_headline(judgments):
    rows = robustness(judgments, criterion=0, pair=0, ties="half", alpha=0.05)
    estimate = analyze(judgments).headline.rate.estimate

    assert [row.planned for row in rows] == [True] + [False] * (len(rows) - 1)
    assert (rows[0].win_rate, rows[0].ci_low, rows[0].p_value) == (
        estimate.mean,
        estimate.ci_low,
        estimate.p_value,
    )


def test_tie_rule_clustering_and_exclusions_are_crossed(judgments):
    rows = robustness(judgments, criterion=0, pair=0, ties="drop", alpha=0.05)

    combinations = {(row.ties_rule, row.clustering, row.exclusions) for row in rows}
    assert rows[0].ties_rule == "drop"
    assert len(combinations) == len(rows) <= 2 * len(CLUSTERINGS) * 2
    for ties in ("half", "drop"):
        for exclusions in (True, False):
            assert (ties, "annotators", exclusions) in combinations
    assert {row.n for row in rows if row.ties_rule == "half"} == {63, 72}


def test_no_interval_is_wider_than_the_rule_of_the_largest_at_the_same_degrees_of_freedom(judgments):
    rows = robustness(judgments, criterion=0, pair=0, ties="half", alpha=0.05)

    first = rows[0]
    width = first.ci_high - first.ci_low
    same = [row for row in rows if row.exclusions and row.ties_rule == "half"]
    assert len(same) > 2
    for row in same:
        assert row.win_rate == first.win_rate
        assert row.ci_high - row.ci_low <= width + 1e-12


def test_nobody_excluded_means_no_rows_without_exclusions():
    plain = judgments_of("1,p,a,win", "2,q,b,loss", "3,p,b,win", header="comparison,prompt,annotator,outcome")

    assert all(row.exclusions for row in robustness(plain, criterion=0, pair=0, ties="half", alpha=0.05))


def test_judgments_that_all_agree_have_one_row_per_tie_rule():
    plain = judgments_of("1,p,a,win", "2,q,b,win", header="comparison,prompt,annotator,outcome")

    rows = robustness(plain, criterion=0, pair=0, ties="half", alpha=0.05)

    assert [(row.ties_rule, row.clustering) for row in rows] == [("half", "largest"), ("drop", "largest")]


def test_everybody_excluded_leaves_no_win_rate_and_no_interval():
    gone = judgments_of("1,p,a,win,1", header=HEADER)

    rows = robustness(gone, criterion=0, pair=0, ties="half", alpha=0.05)

    assert (rows[0].n, rows[0].win_rate, rows[0].ci_low) == (0, None, None)
    assert rows[2].n == 1
