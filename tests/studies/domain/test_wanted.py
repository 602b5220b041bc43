"""A drawn design asks only for what it compares, and is ready, opened and sound with that."""

from collections import Counter

import pytest
from django.utils import timezone

from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.estimates import estimate
from studies.domain.invariants import violations
from studies.domain.wanted import wanted_counts, wanted_places
from tests import factories

pytestmark = pytest.mark.django_db

ARMS = ("standard", "mild", "middling", "strong")


def test_each_prompt_asks_for_the_baseline_and_one_drawn_arm():
    study = factories.draft_study(prompts=6, arms=ARMS, design="drawn", replicates=2)

    lifecycle.start_generation(study=study, actor="ada")

    asked = Completion.objects.filter(batch_key=study.key)
    names = dict(study.arms.values_list("key", "name"))
    units = Counter((one.prompt_key, one.replicate) for one in asked)
    assert set(units.values()) == {2}
    assert len(units) == 12
    assert Counter(names[one.arm_key] for one in asked) == {
        "standard": 12,
        "mild": 4,
        "middling": 4,
        "strong": 4,
    }
    assert estimate(study).completions == lifecycle.missing_completions(study) == 24


@pytest.mark.parametrize("design", ["baseline", "all_pairs", "balanced", "drawn"])
def test_the_counts_are_those_of_the_places(design):
    study = factories.draft_study(prompts=5, arms=ARMS, design=design, replicates=2)

    places = Counter(arm.key for _, arm, _ in wanted_places(study))

    assert wanted_counts(study) == places


def test_a_drawn_study_is_ready_once_its_own_completions_are_there_and_holds_its_invariants():
    study = factories.draft_study(prompts=6, arms=ARMS, design="drawn")
    study = lifecycle.start_generation(study=study, actor="ada")
    for number, one in enumerate(Completion.objects.filter(batch_key=study.key)):
        one.status, one.text, one.finish_reason, one.finished_at = (
            "done",
            f"T {number}",
            "stop",
            timezone.now(),
        )
        one.save()

    study = lifecycle.open_study(study=lifecycle.settle(study), actor="ada")

    assert study.comparisons.count() == 6
    assert set(study.comparisons.values_list("baseline_arm__name", flat=True)) == {"standard"}
    assert Counter(study.comparisons.values_list("candidate_arm__name", flat=True)) == {
        "mild": 2,
        "middling": 2,
        "strong": 2,
    }
    assert list(violations(study)) == []
