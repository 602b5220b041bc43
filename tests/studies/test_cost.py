"""What an arm's completions cost, and how that compares with the baseline's."""

import csv
import io
import json

import pytest

from generation.models import Completion
from studies import queries
from studies.reports.render import render
from tests import factories

pytestmark = pytest.mark.django_db


def priced_study(make=factories.ready_study, **fields):
    """Return a study whose guided arm writes twice the tokens, each at twice the cost."""
    study = make(**fields)
    for arm in study.arms.all():
        tokens = 10 if arm.baseline else 20
        Completion.objects.filter(batch_key=study.key, arm_key=arm.key).update(
            token_count=tokens, forward_flops=tokens * (1e9 if arm.baseline else 2e9), seconds=tokens / 10
        )
    return study


def test_sums_means_and_ratios_of_each_arm():
    study = priced_study(prompts=3)

    standard, guided = queries.arm_costs(study)

    assert (standard.arm, standard.role, standard.completions, standard.measured) == (
        "standard",
        "baseline",
        3,
        3,
    )
    assert (standard.tokens, standard.mean_tokens, standard.forward_flops) == (30, 10, 3e10)
    assert (standard.flops_ratio, standard.token_flops_ratio) == (1, 1)
    assert (guided.mean_forward_flops, guided.forward_flops, guided.flops_per_token) == (4e10, 1.2e11, 2e9)
    # Twice as long at twice the operations per token: four times the cost.
    assert (guided.flops_ratio, guided.token_flops_ratio) == (4, 2)
    assert guided.seconds == pytest.approx(6)
    assert guided.mean_seconds == pytest.approx(2)


def test_what_is_not_known_is_none_and_enters_no_mean():
    study = priced_study(prompts=2)
    of_baseline = Completion.objects.filter(batch_key=study.key, arm_key=study.arms.get(baseline=True).key)
    of_baseline.filter(pk=of_baseline.first().pk).update(forward_flops=0, seconds=0)

    standard, guided = queries.arm_costs(study)
    of_baseline.update(forward_flops=0)
    unknown, without = queries.arm_costs(study)

    assert (standard.measured, standard.mean_forward_flops, standard.flops_per_token) == (1, 1e10, 1e9)
    assert guided.flops_ratio == 4
    assert (unknown.forward_flops, unknown.mean_forward_flops, unknown.flops_ratio) == (None, None, None)
    assert (without.mean_forward_flops, without.flops_ratio) == (4e10, None)


def test_an_arm_without_completions_has_no_cost():
    standard, guided = queries.arm_costs(factories.draft_study())

    assert (standard.completions, standard.tokens, standard.mean_tokens, guided.flops_ratio) == (
        0,
        0,
        None,
        None,
    )


def test_nothing_is_compared_without_a_baseline():
    study = priced_study(prompts=2)
    study.arms.update(baseline=False)
    study.arms.filter(name="guided").update(control=True)

    first, second = queries.arm_costs(study)

    assert (first.tokens, second.tokens) == (20, 40)
    assert {cost.flops_ratio for cost in (first, second)} == {None}


def test_questions_do_not_grow_with_the_arms(django_assert_num_queries):
    for arms in (("standard", "guided"), ("standard", "mild", "middling", "strong")):
        study = factories.ready_study(prompts=2, arms=arms)
        with django_assert_num_queries(2):
            queries.arm_costs(study)


def test_the_study_page_shows_the_cost_once_there_are_completions(dashboard):
    priced_study(slug="ocean")
    factories.draft_study(slug="empty")

    page = dashboard.get("/studies/ocean/").content.decode()
    empty = dashboard.get("/studies/empty/").content.decode()

    assert "40\N{NO-BREAK SPACE}G" in page
    assert '<td class="figure">4.00</td>' in page
    assert 'id="cost"' not in empty


def test_every_face_of_the_report_tells_the_cost():
    study = priced_study(factories.closed_study, comparisons=2)

    told = json.loads(render(study, "json"))["effort"]["cost"]
    first = next(csv.DictReader(io.StringIO(render(study, "csv").decode())))

    assert [(cost["arm"], cost["flops_ratio"], cost["forward_flops"]) for cost in told] == [
        ("standard", 1, 2e10),
        ("guided", 4, 8e10),
    ]
    assert (first["cost.candidate_mean_forward_flops"], first["cost.baseline_mean_tokens"]) == (
        "40000000000.0",
        "10.0",
    )
    for face in ("html", "md", "tex"):
        assert "40 GFLOP" in render(study, face).decode(), face


def test_the_report_tells_flags_exclusions_and_redraws_by_arm():
    study = factories.ready_study(prompts=3)
    Completion.objects.filter(pk=study.comparisons.last().candidate_id).update(text="")
    study.comparisons.filter(pk=study.comparisons.first().pk).update(kind="out")
    study = factories.lifecycle.open_study(study=study, actor="tests")
    study = factories.lifecycle.close_study(study=study, actor="tests")

    told = json.loads(render(study, "json"))["effort"]

    assert told["quality"] == [
        {"arm": "standard", "responses": 3, "flagged": 0, "flags": []},
        {"arm": "guided", "responses": 3, "flagged": 1, "flags": [{"flag": "empty", "responses": 1}]},
    ]
    assert (told["comparisons_left_out"], told["completions_redrawn"]) == (1, 0)
    assert "1 comparisons were left out of the plan" in render(study, "html").decode()
