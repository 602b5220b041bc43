"""Prompts added to an open study: written, then served, k times each and balanced; the plan as it was."""

from collections import Counter

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from generation.models import Checkpoint, Completion
from studies.domain.assignment import claim_next
from studies.domain.errors import StudyError
from studies.domain.extending import extend_study
from studies.domain.invariants import violations
from studies.domain.lifecycle import close_study, settle
from studies.files.adding import add_given
from studies.files.editing import SectionError
from studies.models import Prompt, Study
from studies.reports.summary import summarize
from tests import factories

pytestmark = pytest.mark.django_db
NEW = [
    {"user": "What is a tide?"},
    {"id": "moon", "user": "Why does the moon shine?"},
    {"user": "Why is it salty?"},
]


def added(study, given=NEW, reason="Too few prompts were hard."):
    return add_given(study, [dict(one) for one in given], reason=reason, actor="ada")


def written(study, *, failed=()):
    """Write what waits, as a worker would; ``failed`` prompts come to nothing."""
    failed_keys = list(study.prompts.filter(name__in=failed).values_list("key", flat=True))
    for one in Completion.objects.filter(batch_key=study.key, status="pending"):
        if one.prompt_key in failed_keys:
            Completion.objects.filter(pk=one.pk).update(status="failed", error="Too long.")
            continue
        Completion.objects.filter(pk=one.pk).update(
            status="done",
            text=f"Text {one.pk} about the sea.",
            token_count=9,
            prompt_tokens=3,
            finish_reason="stop",
            finished_at=study.opened_at,
        )


def test_nothing_is_served_before_every_arm_has_answered():
    study = added(factories.open_study(comparisons=2))

    settle(study)

    assert Completion.objects.filter(batch_key=study.key, status="pending").count() == 6
    assert study.comparisons.count() == 2
    assert list(violations(study)) == []


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_added_prompts_are_judged_as_often_as_the_others_in_balanced_orders(overlap):
    study = added(factories.open_study(comparisons=4, overlap=overlap))
    written(study)

    for _ in range(2):
        settle(study)

    new = study.comparisons.filter(prompt__addition=1)
    rows = Counter(study.assignments.filter(comparison__in=new).values_list("comparison", "candidate_slot"))
    firsts = Counter(
        study.assignments.filter(comparison__in=new, ordinal=1).values_list("candidate_slot", flat=True)
    )
    assert new.count() == 3
    assert Counter(pk for pk, _ in rows.elements()) == dict.fromkeys(
        new.values_list("pk", flat=True), overlap
    )
    assert abs(firsts["A"] - firsts["B"]) == 1
    assert list(violations(study)) == []


def test_the_frozen_plan_its_hash_and_the_study_file_stay():
    study = factories.open_study(comparisons=2)
    before = (study.plan, study.plan_hash)

    study = added(study)
    written(study)
    settle(study)

    study.refresh_from_db()
    assert (study.plan, study.plan_hash) == before
    assert [prompt.name for prompt in study.prompts.filter(addition=1)] == ["p1", "moon", "p2"]
    assert not any("frozen plan in" in told for told in summarize(closed(study)).integrity.deviations)


def closed(study):
    for _ in range(2):
        factories.judge(study, annotator=factories.AnnotatorFactory(study=study))
    return close_study(study=study, actor="ada")


def test_the_report_lists_the_addition_with_its_reason():
    study = added(factories.open_study(comparisons=2))
    written(study, failed=["moon"])
    settle(study)

    listed = summarize(closed(study)).integrity.deviations

    (told,) = [one for one in listed if "were added" in one]
    assert told.startswith("3 prompts were added on ")
    assert told.endswith(
        "to the 2 that were there, which made 2 more comparisons. 1 of them were never served. "
        "Reason given: Too few prompts were hard."
    )


def test_what_failed_comes_in_after_a_retry_and_the_rest_does_not_wait_for_it():
    study = added(factories.open_study(comparisons=2))
    written(study, failed=["moon"])
    settle(study)
    assert study.comparisons.count() == 4

    Completion.objects.filter(batch_key=study.key, status="failed").update(status="pending")
    settle(study)
    written(study)
    settle(study)

    assert study.comparisons.count() == 5
    assert study.events.filter(action="study.prompts_served").count() == 2
    assert list(violations(study)) == []


def test_annotators_are_given_what_was_added_and_repeats_of_it():
    study = factories.open_study(comparisons=1, overlap=1, repeats=1)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))
    study = added(study)
    written(study)
    settle(study)

    annotator = factories.AnnotatorFactory(study=study)
    served = claim_next(annotator=annotator, now=timezone.now())

    assert served.comparison.prompt.addition == 1
    assert study.comparisons.filter(kind="repeat").count() == 4


def test_a_later_extension_covers_what_was_added_too():
    study = added(factories.open_study(comparisons=2, overlap=1))
    written(study)
    settle(study)

    study = extend_study(study=Study.objects.get(pk=study.pk), overlap=2, reason="More.", actor="ada")

    assert study.assignments.count() == 10
    assert list(violations(study)) == []


def test_closing_ends_what_is_still_being_written():
    study = added(factories.open_study(comparisons=2))

    study = closed(study)

    assert not Completion.objects.filter(batch_key=study.key).exclude(status="done").exists()
    assert list(violations(study)) == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([{"id": "prompt-0", "user": "Other words."}], "prompt-0"),
        ([{"user": "Tell me about prompt-0.", "system": "Answer as a pirate."}], "prompts"),
        ([{"user": "a", "colour": "red"}], "colour"),
    ],
)
def test_prompts_that_are_there_or_are_none_are_refused(given, error):
    study = factories.open_study(comparisons=2)

    with pytest.raises(SectionError, match=error):
        added(study, given)
    assert study.prompts.count() == 2


def test_a_closed_or_group_sequential_study_or_one_without_a_reason_or_writer_takes_none():
    looks = {"interim": {"method": "group_sequential", "looks": 2}}
    given = factories.open_study(comparisons=1)
    Checkpoint.objects.filter(pk=given.arms.first().checkpoint_id)
    for study, words in (
        (factories.closed_study(comparisons=1), "is closed"),
        (factories.open_study(comparisons=1, analysis=looks), "group-sequential"),
    ):
        with pytest.raises(StudyError, match=words):
            added(study)
    with pytest.raises(StudyError, match="needs a reason"):
        added(given, reason=" ")
    Checkpoint.objects.update(source="given:paper")
    with pytest.raises(StudyError, match="were imported"):
        added(given)


@pytest.mark.parametrize("number", [0, 2])
def test_the_database_refuses_a_prompt_that_is_of_the_plan_or_of_no_addition(number):
    study = added(factories.open_study(comparisons=1))

    with pytest.raises(DatabaseError, match="part_of_frozen_plan"), transaction.atomic():
        Prompt.objects.create(study=study, position=9, name="x", addition=number, text="x", content_hash="x")


def test_additions_only_grow_one_by_one_while_the_study_collects():
    study = factories.open_study(comparisons=1)

    with pytest.raises(DatabaseError, match="additions_grow_while_open"), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(additions=2)
    close_study(study=study, actor="ada")
    with pytest.raises(DatabaseError, match="additions_grow_while_open"), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(additions=1)
