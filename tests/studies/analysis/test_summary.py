"""The whole file: pairs, criteria, exclusions, and the JSON that all faces share."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.as_json import analysis_as_dict
from studies.analysis.as_text import analysis_as_text
from studies.analysis.multiplicity import holm
from studies.analysis.records import Pair
from studies.analysis.settings import AnalysisError
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = (
    "comparison,prompt,annotator,criterion,candidate_arm,baseline_arm,candidate_slot,choice,kind,excluded"
)
CONTRACT = (
    *("n", "wins", "ties", "losses", "both_bad", "win_rate", "ci_low", "ci_high", "se", "se_parts", "df"),
    *("statistic", "p_value", "method", "ties_rule", "design_effect", "effective_n", "decided_win_rate"),
    *("decided_ci_low", "decided_ci_high", "naive", "clusters", "position", "agreement", "caveats"),
)


def two_pairs():
    rows = [
        f"{arm}{p},p{p},a{a},{criterion},{arm},standard,{'AB'[p % 2]},{'AB'[(a * p) % 2]},real,0"
        for arm in ("mild", "strong")
        for criterion in ("system", "user")
        for a in range(7)
        for p in range(6)
    ]
    return judgments_of(*rows, header=HEADER)


def test_holms_family_is_criteria_times_pairs():
    analysis = analyze(two_pairs())

    assert analysis.pairs == (Pair("mild", "standard"), Pair("strong", "standard"))
    assert [result.criterion for result in analysis.results] == ["system", "user"] * 2
    assert {result.family for result in analysis.results} == {4}
    assert [r.p_holm for r in analysis.results] == holm([r.rate.estimate.p_value for r in analysis.results])


def test_the_first_criterion_is_primary_unless_given():
    assert analyze(two_pairs()).headline.criterion == "system"
    assert analyze(two_pairs(), criterion="user").headline.criterion == "user"


def test_checks_repeats_and_exclusions_stay_out():
    judgments = judgments_of(
        "1,p1,a1,c,x,y,A,A,real,0",
        "2,p2,a2,c,x,y,A,A,real,1",
        "3,p3,a3,c,x,y,A,A,check,0",
        "4,p4,a4,c,x,y,A,A,repeat,0",
        header=HEADER,
    )

    analysis = analyze(judgments)

    assert analysis.headline.rate.estimate.n == 1
    assert (analysis.judgments, analysis.analysed, analysis.excluded) == (4, 1, 1)
    assert analysis.caveats == (
        "1 judgment is excluded by rule and left out.",
        "2 judgments are of attention checks or repeats and left out.",
    )


def test_a_file_whose_judgments_are_all_excluded_says_so():
    data = analysis_as_dict(analyze(judgments_of("1,p1,a1,c,x,y,A,A,real,1", header=HEADER)))

    assert (data["n"], data["win_rate"], data["decision"]) == (0, None, "not tested")
    assert data["sentence"] == "No judgments for c enter the comparison of x with y (W = 0, T = 0, L = 0)."
    assert "There are no judgments to analyse." in data["caveats"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": "other"}, "no judgment has the criterion 'other'; the file has: system, user"),
        ({"alpha": 0.0}, "alpha is 0; it must be above 0 and at most 0.5"),
        ({"alpha": float("nan")}, "alpha is nan; it must be above 0 and at most 0.5"),
        ({"alpha": 0.7}, "alpha is 0.7; it must be above 0 and at most 0.5"),
        ({"ties": "third"}, "unknown tie rule 'third'; known are half, drop"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options, message):
    with pytest.raises(AnalysisError) as caught:
        analyze(two_pairs(), **options)

    assert str(caught.value) == message


def test_the_json_has_every_field_of_the_contract():
    data = analysis_as_dict(analyze(two_pairs()))

    assert set(CONTRACT) <= set(data)
    assert list(data["criteria"]) == ["system", "user"]
    assert set(data["criteria"]["user"]) >= {*CONTRACT, "p_holm"}
    assert data["pairs"][1]["candidate"] == "strong"
    assert data["criteria"]["system"]["win_rate"] == data["win_rate"]


PARTS = {
    "se_parts": {"annotators", "prompts", "two_way", "independent"},
    "naive": {"wilson_low", "wilson_high", "sign_test_p"},
    "clusters": {"annotators", "prompts"},
    "position": {"share_a", "ci_low", "ci_high", "p_value"},
    "length": {"equal_length_win_rate", "ci_low", "ci_high", "coefficient", "p_value"},
    "agreement": {"alpha", "ac1"},
    "glmm": {
        *("intercept", "se", "var_annotator", "var_prompt", "log_likelihood", "marginal_win_rate"),
        "ties_dropped",
    },
}
"""What each part of the contract's object has at least."""
ARM = {"name", "score", "se", "ci_low", "ci_high", "rank_low", "rank_high"}


def large(*, lengths=True, arms=("mild", "strong")):
    """Return judgments that every part of the object can be computed from."""
    header = "comparison,prompt,annotator,criterion,candidate_arm,baseline_arm,candidate_slot,choice"
    rng = np.random.default_rng(3)
    rows = [
        f"{arm}{p},p{p},a{a},{criterion},{arm},standard,{'AB'[p % 2]},{rng.choice(['A', 'A', 'B', 'tie'])}"
        + (f",{90 + p},{80 + 2 * p}" if lengths else "")
        for arm in arms
        for criterion in ("system", "user")
        for a in range(16)
        for p in range(16)
    ]
    return judgments_of(*rows, header=header + ",candidate_tokens,baseline_tokens" * lengths)


@pytest.fixture(scope="module")
def whole():
    return analysis_as_dict(analyze(large(), draws=0))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_object_has_its_keys(whole, part):
    for data in (whole, *whole["criteria"].values()):
        assert set(data[part]) >= PARTS[part]
        assert all(data[part][key] is not None for key in PARTS[part])


def test_scores_of_several_arms_have_their_keys(whole):
    found = whole["bradley_terry"]

    assert set(found) >= {"method", "tie_parameter", "log_likelihood", "arms"}
    assert [arm["name"] for arm in found["arms"]] == ["mild", "standard", "strong"]
    assert all(set(arm) >= ARM for arm in found["arms"])


def test_length_and_scores_are_absent_where_the_file_has_none():
    data = analysis_as_dict(analyze(large(lengths=False, arms=("mild",)), draws=0))

    assert "length" not in data
    assert "bradley_terry" not in data


def test_a_model_that_cannot_be_fitted_says_why():
    data = analysis_as_dict(analyze(two_pairs()))

    assert list(data["glmm"]) == ["reason"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3),
            st.sampled_from("AB"),
            st.sampled_from(["A", "B", "tie", "both_bad"]),
        ),
        min_size=1,
        max_size=16,
        unique_by=lambda row: row[:2],
    ),
    st.sampled_from(["half", "drop"]),
)
def test_json_and_text_hold_no_nan_whatever_the_judgments(rows, ties):
    judgments = judgments_of(*(f"{c},p{c // 2},a{a},{slot},{choice}" for c, a, slot, choice in rows))

    analysis = analyze(judgments, ties=ties)

    assert "NaN" not in json.dumps(analysis_as_dict(analysis), allow_nan=False)
    assert "nan" not in analysis_as_text(analysis)


def test_the_text_shows_every_criterion_of_every_pair():
    text = analysis_as_text(analyze(two_pairs()))

    assert "mild (candidate) against standard (baseline)" in text
    assert "strong (candidate) against standard (baseline)" in text
    assert text.count("\nuser ") == 2
    assert text.count("naive") == 4


def test_what_no_study_of_ours_writes_is_said():
    header = "comparison,prompt,annotator,outcome,candidate_arm,baseline_arm"
    rows = ["1,p,a,win,x,y", "1,q,b,loss,x,y", "2,p,a,win,y,x"]

    assert analyze(judgments_of(*rows, header=header)).caveats == (
        "1 of 2 comparisons stand with more than one prompt; each judgment counts for the prompt in its own "
        "row.",
        "Arms that are compared both ways round make two pairs with a result each: y and x.",
    )
    assert analyze(judgments_of("1,p,a,win,x,y", "2,q,a,loss,x,y", header=header)).caveats == ()
