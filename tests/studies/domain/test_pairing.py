from collections import Counter

import pytest
from django.db.models import Count

from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.pairing import pair_completions
from studies.enums import StudyStatus
from studies.models import Study
from tests.factories import complete, draft_study, open_study, ready_study

pytestmark = pytest.mark.django_db


def slots(study):
    return list(study.assignments.order_by("comparison", "ordinal").values_list("candidate_slot", "sort_key"))


def test_each_prompt_and_replicate_gives_one_comparison_with_the_baseline():
    study = ready_study(prompts=3, replicates=2)

    rows = study.comparisons.select_related("candidate_arm", "baseline_arm", "candidate", "baseline")

    assert len(rows) == 6
    assert {(row.candidate_arm.name, row.baseline_arm.name) for row in rows} == {("guided", "standard")}
    assert all(row.candidate.replicate == row.baseline.replicate for row in rows)
    assert all(row.candidate.prompt_key == row.baseline.prompt_key == row.prompt.key for row in rows)


def test_every_candidate_arm_meets_the_baseline():
    study = ready_study(prompts=2, arms=("standard", "mild", "strong"))

    pairs = Counter(study.comparisons.values_list("candidate_arm__name", "baseline_arm__name"))

    assert pairs == {("mild", "standard"): 2, ("strong", "standard"): 2}


def test_all_pairs_meet_on_every_prompt_under_the_study_wide_roles():
    study = ready_study(prompts=2, arms=("standard", "mild", "strong"), design="all_pairs")

    pairs = Counter(study.comparisons.values_list("candidate_arm__name", "baseline_arm__name"))

    assert pairs == {("mild", "standard"): 2, ("strong", "standard"): 2, ("strong", "mild"): 2}


def test_a_balanced_design_compares_all_pairs_equally_often():
    study = ready_study(prompts=9, arms=("standard", "mild", "strong", "wild"), design="balanced")

    pairs = Counter(study.comparisons.values_list("candidate_arm__name", "baseline_arm__name"))
    per_prompt = Counter(study.comparisons.values_list("prompt", flat=True))

    assert len(pairs) == 6
    assert set(pairs.values()) == {3}
    assert set(per_prompt.values()) == {2}


def test_a_balanced_design_of_two_arms_is_the_usual_one():
    study = ready_study(prompts=3, design="balanced")

    assert study.comparisons.count() == 3


def test_the_frozen_plan_of_a_balanced_design_names_both_arms():
    study = open_study(comparisons=3, arms=("standard", "mild", "strong"), design="balanced")

    named = {(pair["arm"], pair["against"]) for pair in study.plan["comparisons"]}

    assert study.plan["document"]["comparisons"] == "balanced"
    assert named == {("mild", "standard"), ("strong", "standard"), ("strong", "mild")}


def test_pairing_again_makes_nothing_new():
    study = ready_study(prompts=3)

    pair_completions(study)

    assert study.comparisons.count() == 3


@pytest.mark.parametrize("overlap", [1, 2, 3, 4, 5])
def test_every_comparison_has_exactly_k_rows(overlap):
    study = open_study(comparisons=5, overlap=overlap)

    counts = study.assignments.values("comparison").annotate(rows=Count("pk")).values_list("rows", flat=True)

    assert list(counts) == [overlap] * 5


@pytest.mark.parametrize("overlap", [2, 4])
def test_orders_are_balanced_within_each_comparison_when_k_is_even(overlap):
    study = open_study(comparisons=5, overlap=overlap)

    for comparison in study.comparisons.all():
        in_a = comparison.assignments.filter(candidate_slot="A").count()

        assert in_a == overlap / 2


def test_orders_are_balanced_over_the_study_when_k_is_odd():
    study = open_study(comparisons=6, overlap=3)

    orders = Counter(study.assignments.values_list("candidate_slot", flat=True))

    assert orders == {"A": 9, "B": 9}


@pytest.mark.parametrize("overlap", [2, 3, 4])
def test_the_rows_of_each_ordinal_are_balanced_over_the_study(overlap):
    study = open_study(comparisons=8, overlap=overlap)

    orders = Counter(study.assignments.values_list("ordinal", "candidate_slot"))

    assert orders == {(ordinal, slot): 4 for ordinal in range(1, overlap + 1) for slot in "AB"}


def test_sort_keys_put_every_first_row_before_any_second_even_at_the_largest_k():
    study = open_study(comparisons=2, overlap=1000)

    ordinals = list(study.assignments.order_by("sort_key").values_list("ordinal", flat=True))

    assert ordinals == sorted(ordinals)


def test_slot_plan_follows_from_the_stored_seed():
    first, second, other = (open_study(comparisons=4, seed=seed) for seed in (11, 11, 12))

    assert slots(first) == slots(second)
    assert slots(first) != slots(other)


def test_identical_completions_are_marked_and_get_no_rows():
    study = draft_study(prompts=3)
    complete(study)
    twins = Completion.objects.filter(batch_key=study.key, prompt_key=study.prompts.first().key)
    twins.update(text="The very same.")
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()

    study = lifecycle.open_study(study=study, actor="ada")

    identical = study.comparisons.get(identical=True)
    assert identical.assignments.count() == 0
    assert study.assignments.count() == 2 * study.overlap
