"""The logit against R, statsmodels, arithmetic by hand and symmetries."""

import csv
import json

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.records import CREDIT, LOSS, SLOT_A, SLOT_B, SLOT_UNKNOWN, TIE, WIN
from studies.analysis.refusal import RefusalError
from studies.analysis.regression import adjusted_win_rate, cluster_logit, length_term
from tests.studies.analysis.kit import SWAP, any_records, cases, make_records


def answer(case):
    return json.loads((cases() / "answers.json").read_text())[case]


def simulated(seed=1, n=400, *, ties=0.2, side=0.4, length=0.6):
    draw = np.random.default_rng(seed)
    slot = np.where(draw.random(n) < 0.5, SLOT_A, SLOT_B)
    lengths = draw.integers(50, 400, n) * 1.0, draw.integers(50, 400, n) * 1.0
    annotator, prompt = draw.integers(18, size=n), draw.integers(14, size=n)
    lean = 0.3 + side * np.where(slot == SLOT_A, 0.5, -0.5) + length * length_term(*lengths)[0]
    lean += draw.normal(0, 0.5, 18)[annotator]
    decided = np.where(draw.random(n) < 1 / (1 + np.exp(-lean)), WIN, LOSS)
    outcome = np.where(draw.random(n) < ties, TIE, decided)
    return make_records(outcome, annotator, prompt, slot=slot), lengths, draw.integers(0, 30, n) * 1.0


def llmfao():
    with (cases() / "llmfao_votes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    codes = {"left": WIN, "tie": TIE, "right": LOSS}
    records = make_records(
        [codes[row["winner"]] for row in rows],
        [int(row["worker"]) for row in rows],
        [int(row["prompt"]) for row in rows],
        slot=[SLOT_A] * len(rows),
    )
    return records, tuple(np.array([float(row[name]) for row in rows]) for name in ("len_x", "len_y"))


def test_llmfaos_length_effect():
    # D14: R glm and sandwich::vcovCL (LLMFAO, D. Ustalov, CC BY 4.0); naive z = -11, two-way -1.16.
    expected = answer("D14_llmfao_length")

    found = adjusted_win_rate(*llmfao()[:1], lengths=llmfao()[1])

    assert found.length_sd == pytest.approx(expected["sd"], abs=1e-6)
    assert found.intercept.estimate == pytest.approx(expected["a"], abs=1e-6)
    assert found.length.estimate == pytest.approx(expected["b"], abs=1e-6)
    assert found.length.se == pytest.approx(expected["se_two_way_b"], abs=1e-6)
    assert found.length.se_from == "two_way"
    assert found.share_prefer_longer == pytest.approx(expected["share_prefer_longer"], abs=1e-6)
    assert found.caveats == ("The term 'side' does not vary and is left out.",)


def test_llmfaos_position_on_the_log_odds_scale():
    # D13: logit of the left side, ties dropped, with its two-way standard error.
    expected = answer("D13_llmfao_position")["drop_ties"]

    found = adjusted_win_rate(llmfao()[0])

    assert found.intercept.estimate == pytest.approx(expected["logit_beta"], abs=1e-8)
    assert found.intercept.se == pytest.approx(expected["logit_se_two_way"], abs=1e-8)


def test_alpacaevals_length_controlled_win_rate():
    # D18: R glm with fractional outcomes; 805 items of a public leaderboard.
    expected = answer("D18_length_control_vicuna")
    with (cases() / "alpacaeval1_vicuna-13b_items.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_code = {0.0: 0.5, 1.0: 0.0, 1.5: 0.5, 2.0: 1.0}
    credit = np.array([by_code[float(row["preference"])] for row in rows])
    length, sd = length_term(
        *(np.array([float(row[name]) for row in rows]) for name in ("len_model", "len_base"))
    )

    fit = cluster_logit(credit, {"length": length}, np.arange(len(rows)), np.arange(len(rows)))

    assert sd == pytest.approx(expected["sd"], abs=1e-6)
    assert fit.beta == pytest.approx(expected["coef"], abs=1e-6)
    assert 1 / (1 + np.exp(-fit.beta[0])) == pytest.approx(expected["length_controlled_win"], abs=1e-6)


def replica(criterion):
    with (cases() / "cfg_replica_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[criterion] != "tie"]
    return make_records(
        [WIN if row[criterion] == "guided" else LOSS for row in rows],
        [int(row["annotator"]) for row in rows],
        [int(row["user_prompt"]) for row in rows],
        slot=[SLOT_A if row["guided_side"] == "left" else SLOT_B for row in rows],
    )


@pytest.mark.parametrize(
    ("criterion", "effect", "two_way"),
    [("system", -0.01535272662, 0.09270248058), ("user", 0.07787598057, 0.1076525126)],
)
def test_the_side_of_the_replica(criterion, effect, two_way):
    # D27: R glm and sandwich::vcovCL, with the sides coded 1 and -1; the plain two-way standard error.
    records = replica(criterion)
    side = np.where(records.candidate_slot == SLOT_A, 1.0, -1.0)

    fit = cluster_logit(records.credit, {"side": side}, records.annotator, records.prompt)
    adjusted = adjusted_win_rate(records)

    assert fit.beta[1] == pytest.approx(effect, abs=1e-8)
    assert fit.covariances.two_way[1, 1] ** 0.5 == pytest.approx(two_way, abs=1e-8)
    assert adjusted.side.estimate == pytest.approx(2 * effect, abs=1e-8)
    assert adjusted.side.se >= 2 * two_way


def test_it_agrees_with_statsmodels():
    # Oracle: statsmodels GLM, cov_type="cluster" without its own small-sample factor (n-1)/(n-k).
    records, lengths, order = simulated(ties=0)
    design = sm.add_constant(np.column_stack([length_term(*lengths)[0], order]))

    fit = cluster_logit(
        records.credit, {"length": design[:, 1], "order": order}, records.annotator, records.prompt
    )
    model = sm.GLM(records.credit, design, family=sm.families.Binomial())

    assert fit.beta == pytest.approx(model.fit().params, abs=1e-8)
    for groups, mine in (
        (records.annotator, fit.covariances.annotators),
        (records.prompt, fit.covariances.prompts),
    ):
        theirs = model.fit(cov_type="cluster", cov_kwds={"groups": groups}).cov_params()
        n, k = design.shape
        assert mine * (n - 1) / (n - k) == pytest.approx(theirs, rel=1e-6)


def test_a_two_by_two_table_by_hand():
    # In A 30 of 40, in B 10 of 40: log-odds log 3 and -log 3; midway 0; both sides equally 1/2.
    outcome = [WIN] * 30 + [LOSS] * 10 + [WIN] * 10 + [LOSS] * 30
    records = make_records(outcome, np.arange(80) % 8, np.arange(80) % 7, slot=[SLOT_A] * 40 + [SLOT_B] * 40)

    found = adjusted_win_rate(records)

    assert found.side.estimate == pytest.approx(2 * np.log(3))
    assert found.intercept.estimate == pytest.approx(0, abs=1e-12)
    assert found.side_standardised.win_rate == pytest.approx(0.5)
    assert found.side_standardised.ci_low < 0.5 < found.side_standardised.ci_high


def test_unbalanced_sides_are_put_right():
    # In A 72 of 80, in B 10 of 20: raw 82 %, but 70 % when each side counts the same.
    outcome = [WIN] * 72 + [LOSS] * 8 + [WIN] * 10 + [LOSS] * 10
    records = make_records(
        outcome, np.arange(100) % 9, np.arange(100) % 8, slot=[SLOT_A] * 80 + [SLOT_B] * 20
    )

    assert adjusted_win_rate(records).side_standardised.win_rate == pytest.approx(0.7)


def test_effects_that_were_put_in_are_found():
    records, lengths, order = simulated(n=6000)

    found = adjusted_win_rate(records, lengths=lengths, order=order)

    assert found.side.ci_low < 0.4 < found.side.ci_high
    assert found.length.ci_low < 0.6 < found.length.ci_high
    assert found.order.ci_low < 0 < found.order.ci_high
    assert found.equal_length.ci_low < 1 / (1 + np.exp(-0.3)) < found.equal_length.ci_high


@given(seed=st.integers(0, 60), drop_ties=st.booleans())
@settings(deadline=None)
def test_swapping_the_arms_mirrors_everything(seed, drop_ties):
    records, (mine, theirs), order = simulated(seed, n=200)
    swapped = make_records(
        SWAP[records.outcome], records.annotator, records.prompt, slot=1 - records.candidate_slot
    )

    one = adjusted_win_rate(records, lengths=(mine, theirs), order=order, drop_ties=drop_ties)
    other = adjusted_win_rate(swapped, lengths=(theirs, mine), order=order, drop_ties=drop_ties)

    assert other.intercept.estimate == pytest.approx(-one.intercept.estimate, abs=1e-9)
    assert other.intercept.se == pytest.approx(one.intercept.se)
    # Side and length are about responses, whichever arm made them; order is about the candidate.
    assert other.side.estimate == pytest.approx(one.side.estimate, abs=1e-9)
    assert other.length.estimate == pytest.approx(one.length.estimate, abs=1e-9)
    assert other.order.estimate == pytest.approx(-one.order.estimate, abs=1e-9)
    assert other.share_prefer_longer == pytest.approx(one.share_prefer_longer)
    assert other.equal_length.ci_low == pytest.approx(1 - one.equal_length.ci_high)
    assert other.side_standardised.win_rate == pytest.approx(1 - one.side_standardised.win_rate)


@given(seed=st.integers(0, 60))
@settings(deadline=None)
def test_the_order_of_rows_is_irrelevant(seed):
    records, lengths, order = simulated(seed, n=200)
    turn = np.random.default_rng(seed).permutation(200)

    one = adjusted_win_rate(records, lengths=lengths, order=order)
    other = adjusted_win_rate(
        records.where(turn), lengths=(lengths[0][turn], lengths[1][turn]), order=order[turn]
    )

    assert other.length.estimate == pytest.approx(one.length.estimate)
    assert other.length.se == pytest.approx(one.length.se)
    assert other.equal_length.ci_low == pytest.approx(one.equal_length.ci_low)


def test_doubling_every_cluster_shrinks_the_variance_by_half():
    records, lengths, _ = simulated()
    twice = make_records(
        np.tile(records.outcome, 2),
        np.concatenate([records.annotator, records.annotator + 18]),
        np.concatenate([records.prompt, records.prompt + 14]),
        slot=np.tile(records.candidate_slot, 2),
    )
    length = length_term(*lengths)[0]

    one = cluster_logit(CREDIT[records.outcome], {"length": length}, records.annotator, records.prompt)
    two = cluster_logit(CREDIT[twice.outcome], {"length": np.tile(length, 2)}, twice.annotator, twice.prompt)

    # 18 annotators become 36, each variance has its G/(G-1).
    ratio = 0.5 * (36 / 35) / (18 / 17)
    assert two.covariances.annotators == pytest.approx(ratio * one.covariances.annotators, abs=1e-12)


def test_perfect_separation_is_refused():
    records = make_records(
        [WIN] * 10 + [LOSS] * 10, np.arange(20) % 5, np.arange(20) % 4, slot=[1] * 10 + [0] * 10
    )

    with pytest.raises(RefusalError, match="separate wins from losses"):
        adjusted_win_rate(records)


@pytest.mark.parametrize("outcome", [WIN, LOSS])
def test_unanimity_is_refused(outcome):
    with pytest.raises(RefusalError, match="All judgments prefer the same arm"):
        adjusted_win_rate(make_records([outcome] * 12, np.arange(12) % 4, np.arange(12) % 3))


def test_ties_only_are_refused_or_a_half():
    records = make_records([TIE] * 12, np.arange(12) % 4, np.arange(12) % 3)

    with pytest.raises(RefusalError, match="no decided judgments"):
        adjusted_win_rate(records)
    assert adjusted_win_rate(records, drop_ties=False).side_standardised.win_rate == pytest.approx(0.5)


def test_no_judgments_are_refused():
    with pytest.raises(RefusalError, match="no judgments"):
        cluster_logit(np.array([]), {}, np.array([], dtype=int), np.array([], dtype=int))


def test_terms_that_are_the_same_are_refused():
    records, _, _ = simulated()
    side = np.where(records.candidate_slot == SLOT_A, 0.5, -0.5)

    with pytest.raises(RefusalError, match="side, order cannot be told apart"):
        adjusted_win_rate(records, order=side)


def test_equal_lengths_leave_the_term_out_with_a_caveat():
    records, _, _ = simulated()
    same = np.full(len(records), 80.0)

    found = adjusted_win_rate(records, lengths=(same, same))

    assert (found.length, found.equal_length, found.share_prefer_longer) == (None, None, None)
    assert "The term 'length' does not vary and is left out." in found.caveats


def test_unknown_slots_leave_the_side_out():
    records, lengths, _ = simulated()
    unknown = make_records(
        records.outcome, records.annotator, records.prompt, slot=[SLOT_UNKNOWN] * len(records)
    )

    found = adjusted_win_rate(unknown, lengths=lengths)

    assert (found.side, found.side_standardised) == (None, None)
    assert found.equal_length is not None


def test_one_annotator_gives_estimates_but_no_intervals():
    records, lengths, _ = simulated()
    alone = make_records(records.outcome, np.zeros(400), records.prompt, slot=records.candidate_slot)

    found = adjusted_win_rate(alone, lengths=lengths)

    assert (found.length.se, found.equal_length.ci_low, found.df) == (None, None, 0)
    assert (
        "With one annotator or one prompt there is no interval over annotators and prompts." in found.caveats
    )


@given(records=any_records(), drop_ties=st.booleans(), data=st.data())
@settings(deadline=None, max_examples=200)
def test_thin_data_give_numbers_with_meaning_or_a_reason(records, drop_ties, data):
    n = len(records)
    columns = st.lists(st.integers(1, 9), min_size=n, max_size=n)
    mine, theirs, order = (np.array(data.draw(columns), dtype=float) for _ in range(3))

    try:
        found = adjusted_win_rate(records, lengths=(mine, theirs), order=order, drop_ties=drop_ties)
    except RefusalError as refused:
        found, reason = None, refused.reason

    if found is None:
        assert reason.endswith(".")
        return
    for contrast in (found.intercept, found.side, found.length, found.order):
        if contrast is not None and contrast.se is not None:
            assert 0 <= contrast.p_value <= 1
            assert contrast.ci_low <= contrast.estimate <= contrast.ci_high
    for prediction in (found.equal_length, found.side_standardised):
        if prediction is not None and prediction.se is not None:
            assert 0 <= prediction.ci_low <= prediction.win_rate <= prediction.ci_high <= 1
