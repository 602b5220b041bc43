"""The planner reckons with the draft's own design."""

import pytest

from studies.analysis.planning import Assumptions, Design, planned_power, require
from studies.models import Study
from tests.factories import draft_study

pytestmark = pytest.mark.django_db

WISH = {
    "wish": "power",
    "power": "0.8",
    "margin": "0.05",
    "win_rate": "0.6",
    "tie_rate": "0.1",
    "rho_annotators": "0.05",
    "rho_prompts": "0.05",
    "annotators": "4",
    "overlap": "2",
    "seconds": "30",
    "hourly": "9",
    "fair": "12",
}


def test_a_plan_that_cannot_answer_is_told_and_what_it_costs(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.get(f"/studies/{study.slug}/planner/", WISH)

    planned = response.context["planned"]
    expected = planned_power(Assumptions(0.6, 0.1, 0.05, 0.05), Design(4, 6, 2))
    assert (planned.now, planned.enough) == (expected, False)
    # By hand: 6 pairs x 2 judgments of 30 s are 6 minutes; at 9 an hour 0.90, at the fair 12 1.20.
    assert (planned.judgments, planned.each, planned.cost) == (12, 3, pytest.approx(0.9))
    page = response.content.decode()
    assert "cannot answer its own question" in page
    assert "fair pay would be 1.20" in page


def test_the_plan_is_filled_in_on_request(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.post(f"/studies/{study.slug}/planner/", WISH | {"overlap": "4"})

    study = Study.objects.get(pk=study.pk)
    assert response.status_code == 302
    assert (study.overlap, study.quota, study.analysis["expected"]["annotators"]) == (4, 6, 4)


def test_several_arms_are_reckoned_at_holms_strictest_level(dashboard):
    study = draft_study(
        prompts=60, arms=("standard", "low", "high"), criteria=(("overall", "tie"), ("tone", "tie"))
    )
    wish = WISH | {"annotators": "30", "overlap": "4", "win_rate": "0.65"}

    # By hand: two candidates on two criteria are four tests, so the first of Holm's levels is 0.05 / 4.
    strict = planned_power(Assumptions(0.65, 0.1, 0.05, 0.05, alpha=0.0125), Design(30, 60, 4))
    alone = planned_power(Assumptions(0.65, 0.1, 0.05, 0.05), Design(30, 60, 4))
    between = (strict.power + alone.power) / 2

    planned = dashboard.get(f"/studies/{study.slug}/planner/", wish | {"power": str(between)})

    found = planned.context["planned"]
    assert (found.family.pairs, found.family.tests, found.family.level) == (2, 4, 0.0125)
    assert (found.now.power, found.uncorrected) == (strict.power, alone.power)
    assert found.now.margin == alone.margin
    assert found.together == pytest.approx(1 - 2 * (1 - strict.power))
    assert (strict.power < between, found.enough) == (True, False)
    assert "cannot answer its own question for every pair of arms" in planned.content.decode()
    assert "The plan corrects for 4 tests" in planned.content.decode()


def test_a_control_is_no_question_and_an_order_shares_the_level_among_pairs(dashboard):
    study = draft_study(
        prompts=8, arms=("standard", "again", "low", "high"), criteria=(("a", "tie"), ("b", "tie"))
    )
    study.arms.filter(name="again").update(control=True)
    Study.objects.filter(pk=study.pk).update(analysis={"multiplicity": "gatekeeping"})

    found = dashboard.get(f"/studies/{study.slug}/planner/", WISH).context["planned"]

    assert (found.family.pairs, found.family.tests, found.family.level) == (2, 2, 0.025)


def test_a_drawn_design_gives_each_pair_its_part_of_the_prompts(dashboard):
    study = draft_study(prompts=60, arms=("standard", "low", "high"), design="drawn")
    wish = WISH | {"annotators": "20", "win_rate": "0.7", "power": "0.999"}

    found = dashboard.get(f"/studies/{study.slug}/planner/", wish).context["planned"]

    # By hand: 60 prompts, one of two candidates each: 30 prompts a pair; 60 pairs x 2 judgments in all.
    more = require(
        Assumptions(0.7, 0.1, 0.05, 0.05, alpha=0.025), Design(20, 30, 2), vary="prompts", power=0.999
    )
    assert (found.now.design, found.judgments) == (Design(20, 30, 2), 120)
    assert found.ways[0][1].value == 2 * more.value


def test_attention_checks_and_repeats_take_time_and_money(dashboard):
    study = draft_study(prompts=6, checks={"shuffled": 1}, repeats=1)

    found = dashboard.get(f"/studies/{study.slug}/planner/", WISH).context["planned"]

    # By hand: 12 judgments and 2 own comparisons of each of 4 annotators, 30 s each: 10 minutes at 9 an hour.
    assert (found.hours, found.cost, found.minutes) == (pytest.approx(1 / 6), pytest.approx(1.5), 2.5)


def test_what_cannot_be_reckoned_with_is_said(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.get(f"/studies/{study.slug}/planner/", WISH | {"overlap": "9"})

    assert response.status_code == 422
    assert "Nobody judges a prompt twice" in response.content.decode()
