"""Annotators' care in the report: told, never acted on."""

from collections import Counter
from types import SimpleNamespace

from studies.domain.conduct import Conduct
from studies.enums import Outcome
from studies.reports.care import care
from studies.reports.sections_study import annotators
from studies.reports.summary import AnnotatorCount


def answered(*, a=0, b=0, first=None, checks=0, passed=0):
    how = Conduct(checks=checks, passed=passed, first=first or {})
    how.answers.update({"A": a, "B": b})
    return how


def test_who_follows_the_slot_only_is_told_after_six_judgments():
    found = care({1: answered(a=20), 2: answered(a=5), 3: answered(a=9, b=11)}, seed=1)

    assert [found[key].one_side_only for key in (1, 2, 3)] == [True, False, False]
    # By hand: 2 * 0.5^20, times three annotators.
    assert abs(found[1].p_side - 3 * 2 * 0.5**20) < 1e-12


def test_agreement_is_held_against_chance():
    pairs = [(k, 100 + k) for k in range(40)]
    truth = {pair: Outcome.WIN if k % 2 else Outcome.LOSS for k, pair in enumerate(pairs)}
    against = {pair: Outcome.LOSS if said is Outcome.WIN else Outcome.WIN for pair, said in truth.items()}

    found = care({1: answered(first=truth), 2: answered(first=truth), 3: answered(first=against)}, seed=1)

    assert found[1].shared == 40
    assert found[1].agreement_others == 0.5
    assert found[3].agreement_others == 0.0
    assert found[3].p_agreement > 0.99


def test_what_is_left_of_imbalance_between_the_orders_is_told():
    how = Conduct()
    how.candidate_in.update({"A": 5, "B": 2})

    assert care({1: how, 2: Conduct()}, seed=1)[1].order_imbalance == 3


def test_the_report_says_how_far_the_orders_are_apart():
    hows = {1: Conduct(candidate_in=Counter(A=5, B=2)), 2: Conduct(candidate_in=Counter(A=3, B=4))}
    told = care(hows, seed=1)
    people = tuple(AnnotatorCount(f"a{key}", 7, None, excluded=False, care=told[key]) for key in hows)

    (section,) = annotators(SimpleNamespace(annotators=people, analysis=None))

    assert "for 1 of 2 annotators; at most 3 apart for the others." in str(section.blocks[1])


def test_nothing_known_is_told_as_nothing():
    found = care({1: Conduct()}, seed=1)[1]

    assert (found.posterior_low, found.agreement_others, found.p_side) == (None, None, None)
    assert found.one_side_only is False


def test_checks_have_a_plausible_rate():
    # Oracle: scipy's beta(4, 2), from a uniform prior with three of four passed.
    found = care({1: answered(checks=4, passed=3)}, seed=1)[1]

    assert (round(found.posterior_low, 4), round(found.posterior_high, 4)) == (0.2836, 0.9473)
