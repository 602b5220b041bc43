"""Scores of many arms against published tables, other programs, and symmetries."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.bradley_terry import NO_TIES, ONE_CLUSTER, bradley_terry
from studies.analysis.contest_fit import fit_counts, fit_covariances
from studies.analysis.contests import FIRST, SECOND, TIED, Contests, contests_of
from studies.analysis.refusal import RefusalError
from studies.analysis.tie_models import (
    CELLS,
    DAVIDSON,
    DROPPED,
    HALF_CREDIT,
    RAO_KUPPER,
    TIE_MODELS,
    tie_parameter,
)
from tests.studies.analysis.kit import cases, judgments_of

# Stigler (1994), citations between four journals; Agresti (2002), p. 448.
JOURNALS = ("Biometrika", "Comm Statist", "JASA", "JRSS-B")
CITATIONS = [(0, 1, 730, 33), (0, 2, 498, 320), (0, 3, 221, 284), (1, 2, 68, 813), (1, 3, 17, 276)]
CITATIONS += [(2, 3, 142, 325)]
# Davidson (1970), table of 15 pairs of puddings: pair, wins of the first, wins of the second, ties.
PUDDINGS = """1 2 19 22 16  1 3 16 19 12  2 3 19 19 10  1 4 18 23 13  2 4 23 19 9  3 4 19 20 15  1 5 13 19 18
2 5 16 20 12  3 5 16 15 17  4 5 17 14 16  1 6 18 21 12  2 6 22 20 12  3 6 13 18 10  4 6 14 19 18
5 6 11 21 12"""


def counts_of(rows, arms):
    counts = np.zeros((arms, arms, 3))
    for first, second, wins, losses, *ties in rows:
        counts[first, second] += (losses, ties[0] if ties else 0, wins)
    return counts


def citations():
    return counts_of(CITATIONS, 4)


def puddings():
    numbers = np.array(PUDDINGS.split(), dtype=int).reshape(15, 5)
    return counts_of(numbers - [1, 1, 0, 0, 0], 6)


def answer(case):
    return json.loads((cases() / "answers.json").read_text())[case]


def rows_of(name):
    with (cases() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contests(first, second, outcome, annotator=None, prompt=None, arms=3, **more):
    n = len(first)
    return Contests(
        tuple("abcdefghij"[:arms]),
        np.asarray(first),
        np.asarray(second),
        np.asarray(outcome),
        np.asarray(np.arange(n) % 4 if annotator is None else annotator),
        np.asarray(np.arange(n) % 3 if prompt is None else prompt),
        **more,
    )


def simulated(n=600, arms=4, seed=1, annotators=20, prompts=15):
    rng = np.random.default_rng(seed)
    first = rng.integers(arms, size=n)
    second = (first + rng.integers(1, arms, size=n)) % arms
    odds = np.linspace(-0.6, 0.6, arms)[first] - np.linspace(-0.6, 0.6, arms)[second]
    outcome = np.where(
        rng.random(n) < 0.2, TIED, np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), FIRST, SECOND)
    )
    return contests(
        first,
        second,
        outcome,
        rng.integers(annotators, size=n),
        rng.integers(prompts, size=n),
        arms=arms,
    )


def score(data, **options):
    return bradley_terry(data, rng=np.random.default_rng(1), draws=2000, **options)


def by_name(result):
    return {arm.name: arm for arm in result.arms}


def test_citations_between_journals():
    # D08: R 4.2.2 BradleyTerry2; Agresti (2002) p. 448. Reference: Biometrika.
    fit = fit_counts(citations(), model=HALF_CREDIT)

    against = fit.strengths - fit.strengths[0]
    contrast = np.eye(4) - np.eye(4)[0]
    se = np.sqrt(np.diag(contrast @ fit.bread @ contrast.T))
    assert against == pytest.approx([0, -2.9490724968, -0.4795697698, 0.2689540558], abs=1e-6)
    assert se == pytest.approx([0, 0.1025453354, 0.0605887292, 0.0708299651], abs=1e-6)
    assert (fit.deviance, fit.residual_df) == (pytest.approx(4.29338397, abs=1e-6), 3)


@pytest.mark.parametrize("position", [False, True])
def test_baseball_with_and_without_the_advantage_of_home(position):
    # D09: R BradleyTerry2; Agresti (2002) p. 438: home 0.302 (0.131), deviance 38.64 on 35.
    expected = answer("D09_bt_baseball_home")["with_home" if position else "no_home"]
    rows = rows_of("baseball1987.csv")
    teams = sorted({row["home.team"] for row in rows})
    table = [
        (
            teams.index(row["home.team"]),
            teams.index(row["away.team"]),
            int(row["home.wins"]),
            int(row["away.wins"]),
        )
        for row in rows
    ]

    fit = fit_counts(counts_of(table, len(teams)), model=HALF_CREDIT, position=position)

    for team in set(expected) & set(teams):
        found = fit.strengths[teams.index(team)] - fit.strengths[teams.index("Baltimore")]
        assert found == pytest.approx(expected[team], abs=1e-6)
    assert fit.deviance == pytest.approx(expected["deviance"], abs=1e-6)
    assert fit.residual_df == expected["df"]
    if position:
        assert [fit.position, fit.bread[7, 7] ** 0.5] == pytest.approx(expected["home"], abs=1e-6)


def test_puddings_by_davidsons_model():
    # D10: Davidson (1970); R PlackettLuce and BradleyTerry2.
    fit = fit_counts(puddings(), model=DAVIDSON)

    strengths = np.exp(fit.strengths) / np.exp(fit.strengths).sum()
    expected = [0.1388033752, 0.1730015, 0.161747434, 0.1653729578, 0.1586853946, 0.2023893385]
    assert strengths == pytest.approx(expected, abs=1e-5)
    assert tie_parameter(DAVIDSON, fit.log_tie) == pytest.approx(0.7468229877, abs=1e-5)
    assert fit.bread[-1, -1] ** 0.5 == pytest.approx(0.0824986917, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-809.7095101, abs=1e-5)
    assert (fit.deviance, fit.residual_df) == (pytest.approx(15.77040578, abs=1e-5), 24)


def test_puddings_by_rao_and_kuppers_model():
    # D10: R psychotools and own maximisation there; the reference is brand 6.
    fit = fit_counts(puddings(), model=RAO_KUPPER)

    expected = [-0.2980093135, -0.1242911944, -0.1779601125, -0.1581306441, -0.1930402183, 0]
    assert fit.strengths - fit.strengths[5] == pytest.approx(expected, abs=1e-5)
    assert tie_parameter(RAO_KUPPER, fit.log_tie) == pytest.approx(1.748457201, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-809.6971335, abs=1e-5)


def test_springalls_contests_with_half_credit():
    # D11: R BradleyTerry2; "win" counts the wins of the column over the row.
    expected = answer("D11_springall_halfcredit")["log_strength"]
    table = [
        (
            int(row["col"]) - 1,
            int(row["row"]) - 1,
            *(int(row[name]) for name in ("win", "loss", "tie")),
        )
        for row in rows_of("springall_contests.csv")
    ]

    fit = fit_counts(counts_of(table, 9), model=HALF_CREDIT)

    for name, value in expected.items():
        assert fit.strengths[int(name) - 1] - fit.strengths[0] == pytest.approx(value, abs=1e-6)


def evalica_rows(name):
    if name == "llmfao":
        return [(row["left"], row["right"], row["winner"]) for row in rows_of("llmfao_votes.csv")]
    return [(row["left"], row["right"], row["winner"]) for row in rows_of(f"evalica_{name}.csv")]


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_golden_scores_of_evalica(name):
    # Oracle: evalica's golden files (Apache-2.0); its scores sum to 1 and a tie is half a win. Its
    # iteration stops at a change of 1e-6, which bounds how well it can agree.
    rows = evalica_rows(name)
    arms = sorted({arm for row in rows for arm in row[:2]})
    codes = {"left": FIRST, "tie": TIED, "right": SECOND}
    counts = np.zeros((len(arms), len(arms), 3))
    for left, right, won in rows:
        counts[arms.index(left), arms.index(right), codes[won]] += 1

    fit = fit_counts(counts, model=HALF_CREDIT)

    found = dict(zip(arms, np.exp(fit.strengths) / np.exp(fit.strengths).sum(), strict=True))
    golden = {
        row["item"]: float(row["score"])
        for row in rows_of(f"evalica_{name}_golden.csv")
        if row["algorithm"] == "bradley_terry"
    }
    assert found == pytest.approx(golden, abs=2e-4)


def llmfao():
    rows = rows_of("llmfao_votes.csv")
    arms = sorted({row[side] for row in rows for side in ("left", "right")})
    numbers = {arm: number for number, arm in enumerate(arms)}
    codes = {"left": FIRST, "tie": TIED, "right": SECOND}
    return Contests(
        tuple(arms),
        np.array([numbers[row["left"]] for row in rows]),
        np.array([numbers[row["right"]] for row in rows]),
        np.array([codes[row["winner"]] for row in rows]),
        np.array([int(row["worker"]) for row in rows]),
        np.array([int(row["prompt"]) for row in rows]),
    )


def test_llmfaos_scores_and_the_position_given_the_arms():
    # D16: R glm with half credit, sandwich::vcovCL (LLMFAO, D. Ustalov, CC BY 4.0).
    expected = answer("D16_llmfao_bt")
    data = llmfao()

    plain = fit_counts(data.counts(), model=HALF_CREDIT)
    placed = fit_counts(data.counts(), model=HALF_CREDIT, position=True)
    covariances = fit_covariances(placed, data)

    found = dict(zip(data.arms, plain.strengths, strict=True))
    for name, value in expected["half_credit_top3_mean0"].items():
        assert found[name] == pytest.approx(value, abs=1e-6)
    assert plain.log_likelihood == pytest.approx(expected["loglik_half"], abs=1e-6)
    assert placed.position == pytest.approx(expected["position_intercept"], abs=1e-6)
    unit = np.zeros(len(placed.bread))
    unit[len(data.arms)] = 1
    variances, wanted = covariances.variances(unit), expected["position_se"]
    assert variances.annotators**0.5 == pytest.approx(wanted["worker"], abs=1e-6)
    assert variances.prompts**0.5 == pytest.approx(wanted["prompt"], abs=1e-6)
    assert variances.two_way**0.5 == pytest.approx(wanted["two_way"], abs=1e-6)
    assert placed.bread[-1, -1] ** 0.5 == pytest.approx(wanted["naive"], abs=1e-6)


@pytest.mark.parametrize("model", TIE_MODELS)
def test_scores_are_the_derivatives_of_the_log_likelihood(model):
    # Oracle: central differences.
    d, t, h = np.array([-1.3, 0.0, 0.4, 2.0]), -0.4, 1e-6
    cells = CELLS[model](d, t)

    by_d = (CELLS[model](d + h, t).log_p - CELLS[model](d - h, t).log_p) / (2 * h)
    by_t = (CELLS[model](d, t + h).log_p - CELLS[model](d, t - h).log_p) / (2 * h)

    assert cells.score_d == pytest.approx(by_d, abs=1e-8)
    assert cells.score_t == pytest.approx(by_t, abs=1e-8)
    assert cells.p.sum(axis=1) == pytest.approx(np.ones(4))


def test_two_arms_are_the_log_odds_of_decided_judgments():
    # By hand: 30 wins to 10 are odds of 3, whatever the ties, by Davidson's model.
    outcome = [FIRST] * 30 + [SECOND] * 10 + [TIED] * 8

    result = score(contests([0] * 48, [1] * 48, outcome, arms=2))

    assert [arm.name for arm in result.arms] == ["a", "b"]
    assert result.arms[0].score - result.arms[1].score == pytest.approx(np.log(3))
    assert result.arms[0].elo == pytest.approx(1000 + 400 / np.log(10) * np.log(3) / 2)


@pytest.mark.parametrize("ties", TIE_MODELS)
def test_a_clear_order_is_found_with_its_ranks(ties):
    result = score(simulated(n=4000), ties=ties)

    assert [arm.name for arm in result.arms] == ["d", "c", "b", "a"]
    assert [(arm.rank_low, arm.rank_high) for arm in result.arms] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    for arm in result.arms:
        assert arm.ci_low < arm.score < arm.ci_high
    assert sum(arm.score for arm in result.arms) == pytest.approx(0)
    # Predicted and observed credit agree when the model is true: 667 judgments a pair, se < .02.
    assert max(abs(pair.observed - pair.expected) for pair in result.pairs) < 0.06
    assert sum(pair.n for pair in result.pairs) == result.n


@given(seed=st.integers(0, 50), ties=st.sampled_from(TIE_MODELS))
@settings(max_examples=25, deadline=None)
def test_turning_every_judgment_round_mirrors_the_scores(seed, ties):
    data = simulated(n=200, seed=seed)
    mirrored = contests(
        data.first, data.second, FIRST - data.outcome, data.annotator, data.prompt, arms=len(data.arms)
    )

    one, other = by_name(score(data, ties=ties)), by_name(score(mirrored, ties=ties))

    for name, arm in one.items():
        assert other[name].score == pytest.approx(-arm.score, abs=1e-8)
        assert other[name].se == pytest.approx(arm.se, abs=1e-8)


@given(seed=st.integers(0, 50), ties=st.sampled_from(TIE_MODELS), position=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_is_irrelevant(seed, ties, position):
    data = simulated(n=200, seed=seed)
    order = np.random.default_rng(seed).permutation(len(data))

    one = score(data, ties=ties, position=position)
    other = score(data.where(order), ties=ties, position=position)

    for before, after in zip(one.arms, other.arms, strict=True):
        assert after.name == before.name
        assert (after.score, after.se) == pytest.approx((before.score, before.se))
    assert other.critical == pytest.approx(one.critical)


@given(seed=st.integers(0, 30))
@settings(max_examples=15, deadline=None)
def test_exchanging_slots_of_every_judgment_turns_the_position_only(seed):
    data = simulated(n=300, seed=seed)
    exchanged = contests(
        data.second, data.first, FIRST - data.outcome, data.annotator, data.prompt, arms=len(data.arms)
    )

    one, other = score(data, position=True), score(exchanged, position=True)

    # Exchanging who is called first leaves the arms' scores; the advantage of being first is mirrored.
    assert other.position.estimate == pytest.approx(-one.position.estimate, abs=1e-8)
    assert other.position.se == pytest.approx(one.position.se, abs=1e-8)
    assert by_name(other)["a"].score == pytest.approx(by_name(one)["a"].score, abs=1e-8)


def test_doubling_every_cluster_shrinks_the_variance_by_half():
    data = simulated()
    twice = contests(
        np.tile(data.first, 2),
        np.tile(data.second, 2),
        np.tile(data.outcome, 2),
        np.concatenate([data.annotator, data.annotator + 20]),
        np.concatenate([data.prompt, data.prompt + 15]),
        arms=4,
    )

    one, two = (fit_covariances(fit_counts(d.counts()), d) for d in (data, twice))

    # V is bread * sums * bread * G/(G-1): bread halves twice, sums double; 20 annotators become 40.
    ratio = 0.5 * (40 / 39) / (20 / 19)
    assert two.annotators == pytest.approx(ratio * one.annotators, abs=1e-12)


def test_arms_that_were_never_compared_are_named():
    data = contests([0, 1, 2, 3], [1, 0, 3, 2], [FIRST] * 4, arms=4)

    with pytest.raises(RefusalError) as refused:
        score(data)

    assert refused.value.reason == "The arms fall into 2 groups that were never compared: {a, b}, {c, d}."


def test_an_arm_that_never_lost_is_named():
    data = contests([0, 0, 1, 2], [1, 2, 2, 1], [FIRST] * 4)

    with pytest.raises(RefusalError, match=r"always beat another, .*: \{a\}, \{b, c\}\."):
        score(data)


def test_one_tie_connects_what_wins_do_not():
    data = contests([0, 0, 1, 2, 0], [1, 2, 2, 1, 1], [FIRST] * 4 + [TIED])

    assert score(data).arms[0].name == "a"
    with pytest.raises(RefusalError, match="always beat another"):
        score(data, ties=DROPPED)


@pytest.mark.parametrize("ties", [DAVIDSON, RAO_KUPPER])
def test_ties_only_are_refused(ties):
    with pytest.raises(RefusalError, match="Every judgment is a tie"):
        score(contests([0, 1, 2], [1, 2, 0], [TIED] * 3), ties=ties)


def test_ties_only_with_half_credit_make_all_arms_equal():
    result = score(contests([0, 1, 2], [1, 2, 0], [TIED] * 3), ties=HALF_CREDIT)

    assert [arm.score for arm in result.arms] == pytest.approx([0, 0, 0])
    assert [arm.se for arm in result.arms] == [None] * 3
    assert [(arm.rank_low, arm.rank_high) for arm in result.arms] == [(1, 3)] * 3


def test_without_ties_the_tie_parameter_is_left_out_with_a_caveat():
    data = simulated()
    result = score(data.where(data.outcome != TIED))

    assert result.tie_parameter is None
    assert NO_TIES in result.caveats


def test_one_annotator_gives_scores_but_no_intervals():
    data = simulated(annotators=1)

    result = score(data)

    assert (result.arms[0].se, result.arms[0].ci_low, result.arms[0].rank_low) == (None, None, None)
    assert (result.df, result.critical) == (0, None)
    assert ONE_CLUSTER in result.caveats


def test_position_needs_known_slots_and_arms_that_change_them():
    unknown = contests([0, 1], [1, 0], [FIRST, FIRST], arms=2, slots_known=False)
    fixed = contests([0] * 4, [1] * 4, [FIRST, SECOND] * 2, arms=2)

    with pytest.raises(RefusalError, match="slots are not known"):
        score(unknown, position=True)
    with pytest.raises(RefusalError, match="Arms never change slots"):
        score(fixed, position=True)


def test_a_slot_that_always_wins_is_refused():
    data = contests([0, 1] * 4, [1, 0] * 4, [FIRST] * 8, arms=2)

    with pytest.raises(RefusalError, match="unbounded"):
        score(data, position=True)


def test_no_judgments_are_refused():
    with pytest.raises(RefusalError, match="no judgments"):
        score(contests([], [], [], arms=2))


def test_unknown_ties_and_an_arm_against_itself_are_refused():
    with pytest.raises(RefusalError, match="unknown tie rule"):
        score(simulated(), ties="coin")
    with pytest.raises(RefusalError, match="compared with itself"):
        score(contests([0], [0], [FIRST]))


def test_arms_without_judgments_are_left_out_and_said():
    result = score(contests([0, 2] * 4, [2, 0] * 4, [FIRST, FIRST, TIED, FIRST] * 2))

    assert {arm.name for arm in result.arms} == {"a", "c"}
    assert "Without judgments and left out: b." in result.caveats


def test_judgments_become_contests_in_the_slot_frame():
    header = "comparison,prompt,annotator,criterion,candidate_arm,baseline_arm,candidate_slot,choice"
    judgments = judgments_of(
        "1,p,x,q,g3,g1,A,A", "2,p,y,q,g3,g1,B,A", "3,p,x,q,g2,g1,B,B", "4,p,z,q,g2,g1,A,tie", header=header
    )

    found = contests_of(judgments, 0)

    assert found.arms == ("g3", "g1", "g2")
    assert found.slots_known
    assert [found.arms[i] for i in found.first] == ["g3", "g1", "g1", "g2"]
    assert [found.arms[i] for i in found.second] == ["g1", "g3", "g2", "g1"]
    assert found.outcome.tolist() == [FIRST, FIRST, SECOND, TIED]


def test_without_slots_the_candidate_is_first():
    judgments = judgments_of(
        "1,p,x,win", "2,p,y,loss", "3,p,y,tie", header="comparison,prompt,annotator,outcome"
    )

    found = contests_of(judgments, 0)

    assert not found.slots_known
    assert found.outcome.tolist() == [FIRST, SECOND, TIED]


@given(
    rows=st.lists(st.tuples(*(st.integers(0, top) for top in (3, 2, 2, 4, 3))), min_size=1, max_size=30),
    ties=st.sampled_from(TIE_MODELS),
    position=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_thin_data_give_numbers_with_meaning_or_a_reason(rows, ties, position):
    first, step, outcome, annotator, prompt = np.array(rows).T
    data = contests(first, (first + 1 + step) % 4, outcome, annotator, prompt, arms=4)

    try:
        found = score(data, ties=ties, position=position)
    except RefusalError as refused:
        found, reason = None, refused.reason

    if found is None:
        assert reason.endswith(".")
        return
    assert sum(arm.score for arm in found.arms) == pytest.approx(0, abs=1e-8)
    numbers = [arm.se for arm in found.arms if arm.se is not None]
    assert np.all(np.isfinite([*numbers, found.log_likelihood, found.deviance]))
    assert found.deviance > -1e-8
    if found.critical is not None:
        assert all(1 <= arm.rank_low <= arm.rank_high <= len(found.arms) for arm in found.arms)


def test_a_file_whose_judgments_are_all_excluded_is_refused():
    judgments = judgments_of(
        "1,p,x,win,1", "2,p,y,loss,1", header="comparison,prompt,annotator,outcome,excluded"
    )

    with pytest.raises(RefusalError, match="no judgments"):
        score(contests_of(judgments, 0))
