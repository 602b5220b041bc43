"""The six bincounts against R's sandwich, statsmodels and arithmetic by hand."""

import csv
import gzip
import json

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given

from studies.analysis.clusters import cells, cluster_variance, count_clusters, mean_variances, numbered
from studies.analysis.records import CREDIT, LOSS, TIE, WIN
from tests.studies.analysis.kit import any_records, cases


def roots(variances):
    return {name: np.sqrt(getattr(variances, name)) for name in variances.__slots__}


def two_way_se(influence, annotator, prompt, factor=1.0):
    """Return SEs of a coefficient whose estimate moves by influence / n with each observation."""
    parts = (annotator, prompt, cells(annotator, prompt))
    one, two, both = (cluster_variance(influence, part) * factor for part in parts)
    return np.sqrt([one, two, one + two - both])


def logit_influence(design, y):
    """Return influences (n, k) and coefficients of a logit with fractional outcomes, by Newton."""
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        share = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (share * (1 - share))[:, None])
        step = np.linalg.solve(information, design.T @ (y - share))
        beta += step
        if np.max(np.abs(step)) < 1e-12:
            break
    return len(y) * (design * (y - share)[:, None]) @ np.linalg.inv(information), beta


def llmfao():
    with (cases() / "llmfao_votes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {
        name: np.array([int(row[name]) for row in rows]) for name in ("worker", "prompt", "len_x", "len_y")
    }
    codes = {"left": WIN, "tie": TIE, "right": LOSS}
    columns["outcome"] = np.array([codes[row["winner"]] for row in rows])
    columns["model_x"] = np.array([int(row["model_x"]) for row in rows])
    columns["model_y"] = np.array([int(row["model_y"]) for row in rows])
    return columns


def answer(case):
    return json.loads((cases() / "answers.json").read_text())[case]


def test_a_balanced_table_by_hand():
    # Cells 1 0 / 1 1, mean 3/4; annotators' sums -1/2, 1/2; prompts' 1/2, -1/2; cells 1/4 -3/4 1/4 1/4.
    values = np.array([1.0, 0.0, 1.0, 1.0])

    variances = mean_variances(values, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))

    assert variances.annotators == pytest.approx(2 * 0.5 / 16)
    assert variances.prompts == pytest.approx(2 * 0.5 / 16)
    assert variances.independent == pytest.approx(4 / 3 * 0.75 / 16)
    assert variances.two_way == pytest.approx(0.125 - 0.0625)


def test_codes_need_not_be_consecutive():
    values = np.array([1.0, 0.0, 1.0, 1.0, 0.5])
    close = mean_variances(values, np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]))

    far = mean_variances(values, np.array([7, 7, 50, 50, 3]), np.array([90, 2, 90, 2, 2]))

    assert far == close
    assert count_clusters(np.array([7, 7, 50])) == 2


@pytest.mark.parametrize("codes", [[], [3], [0, 1, 2], [5, 0, 5, 2], [10**9, 7, 10**9, 0]])
def test_numbers_leave_no_gaps_however_far_the_codes_are(codes):
    # Oracle: numpy's sort.
    found = numbered(np.array(codes, dtype=np.int64))

    assert found.tolist() == np.unique(np.array(codes), return_inverse=True)[1].tolist()


@given(records=any_records(min_size=3))
def test_it_agrees_with_statsmodels(records):
    # Oracle: statsmodels OLS on a constant, cov_type="cluster", one-way.
    fit = sm.OLS(records.credit, np.ones(len(records)))
    mine = mean_variances(records.credit, records.annotator, records.prompt)

    for groups, variance in ((records.annotator, mine.annotators), (records.prompt, mine.prompts)):
        if variance is not None:
            theirs = fit.fit(cov_type="cluster", cov_kwds={"groups": groups}).cov_params()[0, 0]
            assert variance == pytest.approx(theirs, abs=1e-12)


def test_petersens_two_way_standard_errors():
    # D12: Petersen (2009); R sandwich::vcovCL. Regression adds (n-1)/(n-k) to the mean's formula.
    with gzip.open(cases() / "petersen_test_data.txt.gz", "rt") as file:
        firm, year, x, y = np.loadtxt(file).T
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.linalg.solve(design.T @ design, design.T @ y)
    influence = len(x) * (design * (y - design @ beta)[:, None]) @ np.linalg.inv(design.T @ design)
    factor = (len(x) - 1) / (len(x) - 2)

    found = [two_way_se(column, firm.astype(int), year.astype(int), factor) for column in influence.T]

    expected = answer("D12_petersen_two_way")
    assert np.array(found)[:, 0] == pytest.approx(expected["se_firm"], abs=1e-8)
    assert np.array(found)[:, 1] == pytest.approx(expected["se_year"], abs=1e-8)
    assert np.array(found)[:, 2] == pytest.approx(expected["se_two_way"], abs=1e-8)


def test_llmfaos_position_with_ties_counted_half():
    # D13: R sandwich 3.0.2 on 8,931 human judgments (LLMFAO, D. Ustalov, CC BY 4.0).
    data = llmfao()
    expected = answer("D13_llmfao_position")["half_credit"]
    credit = CREDIT[data["outcome"]]

    se = roots(mean_variances(credit, data["worker"], data["prompt"]))

    assert credit.mean() == pytest.approx(expected["mean"], abs=1e-8)
    assert se["independent"] == pytest.approx(expected["se_iid"], abs=1e-8)
    assert se["annotators"] == pytest.approx(expected["se_worker"], abs=1e-8)
    assert se["prompts"] == pytest.approx(expected["se_prompt"], abs=1e-8)
    assert se["two_way"] == pytest.approx(expected["se_worker_prompt"], abs=1e-8)


def test_llmfaos_position_with_ties_dropped():
    data = llmfao()
    expected = answer("D13_llmfao_position")["drop_ties"]
    decided = data["outcome"] != TIE
    credit = CREDIT[data["outcome"]][decided]

    se = roots(mean_variances(credit, data["worker"][decided], data["prompt"][decided]))

    assert len(credit) == expected["n"]
    assert se["independent"] == pytest.approx(expected["se_iid"], abs=1e-8)
    assert se["annotators"] == pytest.approx(expected["se_worker"], abs=1e-8)
    assert se["prompts"] == pytest.approx(expected["se_prompt"], abs=1e-8)
    assert se["two_way"] == pytest.approx(expected["se_worker_prompt"], abs=1e-8)


def test_llmfaos_length_effect():
    # D14: logit on tanh(length difference / sd), ties dropped; the same sums cluster any influence.
    data = llmfao()
    expected = answer("D14_llmfao_length")
    decided = data["outcome"] != TIE
    difference = (data["len_x"] - data["len_y"])[decided]
    design = np.column_stack([np.ones(len(difference)), np.tanh(difference / expected["sd"])])

    influence, beta = logit_influence(design, CREDIT[data["outcome"]][decided])
    se = two_way_se(influence[:, 1], data["worker"][decided], data["prompt"][decided])

    wanted = [expected["se_worker_b"], expected["se_prompt_b"], expected["se_two_way_b"]]
    assert beta == pytest.approx([expected["a"], expected["b"]], abs=1e-6)
    assert se == pytest.approx(wanted, abs=1e-6)


def test_llmfaos_position_given_the_models():
    # D16: Bradley-Terry with half credit and an intercept for the left side.
    data = llmfao()
    expected = answer("D16_llmfao_bt")
    n = len(data["outcome"])
    models, codes = np.unique(np.concatenate([data["model_x"], data["model_y"]]), return_inverse=True)
    design = np.zeros((n, len(models)))
    design[np.arange(n), codes[:n]] += 1
    design[np.arange(n), codes[n:]] -= 1
    design[:, 0] = 1  # the first model is the reference; its column holds the intercept

    influence, beta = logit_influence(design, CREDIT[data["outcome"]])
    se = two_way_se(influence[:, 0], data["worker"], data["prompt"])

    wanted = [expected["position_se"][name] for name in ("worker", "prompt", "two_way")]
    assert beta[0] == pytest.approx(expected["position_intercept"], abs=1e-6)
    assert se == pytest.approx(wanted, abs=1e-6)
