"""One annotator less, one prompt less, and the candidate against itself."""

import numpy as np

from studies.analysis.influence import PLACEBO, relabelled
from studies.analysis.interval import estimate_share
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of, make_records

HEADER = "comparison,prompt,annotator,candidate_arm,baseline_arm,outcome"


def crowd(*, arms=("guided",), people=8, prompts=9):
    """One annotator ("a0") is all for the candidate, "a1" all against it, the others take turns."""
    rows = []
    for arm in arms:
        for a in range(people):
            for p in range(prompts):
                word = "win" if a == 0 else "loss" if a == 1 else ("win", "win", "loss")[(a + p) % 3]
                rows.append(f"{arm}{p},p{p},a{a},{arm},standard,{word}")
    return judgments_of(*rows, header=HEADER)


def rows_of(judgments, **options):
    found = analyze(judgments, draws=0, model="cluster", **options)
    return {row.clustering: row for row in found.robustness if row.exclusions and row.ties_rule == "half"}


def test_the_extremes_leave_out_who_moves_the_rate_most():
    # By hand: 9 + 6 * 6 = 45 wins of 72; without a0 36 of 63, without a1 45 of 63.
    found = rows_of(crowd())

    assert found["largest"].win_rate == 45 / 72
    assert found["without_annotator_low"].win_rate == 36 / 63
    assert found["without_annotator_high"].win_rate == 45 / 63
    assert found["without_prompt_low"].n == found["without_prompt_high"].n == 64


def test_a_single_cluster_is_not_left_out():
    rows = [f"{p},p{p},ann,A,A" for p in range(4)]

    found = rows_of(judgments_of(*rows))

    assert "without_annotator_low" not in found
    assert "without_prompt_low" in found


def test_the_placebo_covers_one_half_as_often_as_it_says():
    # 300 coins at nominal 95 %: below .91 is more than three standard errors off.
    rng = np.random.default_rng(1)
    n = 400
    records = make_records(rng.choice([0, 1, 3, 3], n), rng.integers(30, size=n), rng.integers(25, size=n))

    covered = 0
    for seed in range(300):
        made = relabelled(records, seed=seed)
        found = estimate_share(made.credit, made.annotator, made.prompt, alpha=0.05)
        covered += found.ci_low <= 0.5 <= found.ci_high

    assert covered / 300 >= 0.91


def test_the_placebo_exchanges_all_judgments_of_a_comparison_together():
    records = make_records([3, 3, 3, 3], [0, 1, 0, 1], [0, 0, 1, 1], comparison=[0, 0, 1, 1])

    credit = relabelled(records, seed=4).credit

    assert credit[0] == credit[1]
    assert credit[2] == credit[3]


def test_the_placebo_is_the_same_for_the_same_seed():
    first, again, other = (rows_of(crowd(), seed=seed)[PLACEBO] for seed in (3, 3, 4))

    assert first == again
    assert first.win_rate != other.win_rate


def test_a_control_is_a_row_and_never_the_headline():
    judgments = crowd(arms=("standard again", "guided"))

    found = analyze(judgments, controls=("standard again",), draws=0, model="cluster")

    assert found.headline.pair.candidate == "guided"
    row = next(row for row in found.robustness if row.clustering == "control: standard again")
    assert row.n == 72


def test_a_file_of_controls_only_still_has_a_headline():
    found = analyze(crowd(), controls=("guided",), draws=0, model="cluster")

    assert found.headline.pair.candidate == "guided"
