"""The whole file: pairs, criteria, exclusions, and the JSON that all faces share."""

import json

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
