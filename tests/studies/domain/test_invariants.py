"""Each check finds what it is for: rows are broken behind the constraints' and triggers' backs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from generation.endpoint.address import Endpoint
from generation.models import Checkpoint, Completion
from generation.requests import ensure_endpoint
from studies.domain.audit import record_event
from studies.domain.invariants import violations
from studies.models import AuditEvent, Judgment, Study
from studies.models.triggers import TRIGGERS
from tests.factories import (
    AnnotatorFactory,
    ArmFactory,
    closed_study,
    draft_study,
    judge,
    open_study,
    ready_study,
)
from tests.generation import rows

pytestmark = pytest.mark.django_db


def without_triggers():
    """Do as somebody with the database's password could."""
    with connection.cursor() as cursor:
        for trigger in TRIGGERS:
            table = f" ON {trigger.table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}{table}")


@pytest.fixture
def study():
    """An open study with two annotators, who have judged two comparisons each."""
    running = open_study(comparisons=4, overlap=2, quota=3)
    for number in range(2):
        judge(running, annotator=AnnotatorFactory(study=running, pseudonym=f"p-{number}"), number=2)
    running.refresh_from_db()
    without_triggers()
    return running


def only(study):
    found = list(violations(Study.objects.get(pk=study.pk)))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("make", [draft_study, ready_study, open_study, closed_study])
def test_sound_study_has_no_violation(make):
    study = make()
    study.refresh_from_db()

    assert list(violations(study)) == []


def test_study_with_judgments_has_no_violation(study):
    assert list(violations(study)) == []


def test_missing_completion_is_found(study):
    last = Completion.objects.filter(batch_key=study.key).last()
    Completion.objects.filter(pk=last.pk).update(status="pending")

    assert "7 completions are done, and the plan has 8" in only(study)


def test_completion_of_another_prompt_is_found(study):
    first, second = study.comparisons.all()[:2]
    study.comparisons.filter(pk=first.pk).update(candidate=second.candidate)

    assert f"Comparison {first.pk} holds a completion of another prompt" in next(violations(study))


def test_missing_row_is_found(study):
    row = study.assignments.filter(annotator=None).first()
    row.delete()

    assert only(study) == f"Comparison {row.comparison_id} has 1 rows instead of 2."


def test_unbalanced_order_is_found(study):
    row = study.assignments.filter(annotator=None, candidate_slot="B").first()
    study.assignments.filter(pk=row.pk).update(candidate_slot="A")

    assert only(study) == f"Comparison {row.comparison_id} has 2 of 2 rows in order AB."


def test_answer_without_its_row_being_submitted_is_found(study):
    row = Judgment.objects.filter(assignment__study=study).first().assignment
    study.assignments.filter(pk=row.pk).update(submitted_at=None)

    assert only(study) == f"Row {row.pk} has 1 judgments instead of 0."


def test_lost_answer_is_found(study):
    judgment = Judgment.objects.filter(assignment__study=study).first()
    judgment.delete()

    assert only(study) == f"Row {judgment.assignment_id} has 0 judgments instead of 1."


@pytest.mark.parametrize("wrong", [{"choice": "both_bad"}, {"choice": "A", "strength": 2}])
def test_choice_that_the_scale_does_not_offer_is_found(study, wrong):
    judgment = Judgment.objects.filter(assignment__study=study).first()
    Judgment.objects.filter(pk=judgment.pk).update(**wrong)

    assert f"Judgment {judgment.pk} is “{wrong['choice']}”" in only(study)


def test_answer_before_the_lease_is_found(study):
    row = study.assignments.filter(submitted_at__isnull=False).first()
    study.assignments.filter(pk=row.pk).update(leased_at=row.submitted_at + timedelta(seconds=1))

    assert only(study) == f"Row {row.pk} was answered outside its time."


def test_answer_before_consent_is_found(study):
    annotator = study.annotators.first()
    study.annotators.filter(pk=annotator.pk).update(consented_at=timezone.now() + timedelta(hours=1))

    assert all("before its annotator agreed" in found for found in violations(study))
    assert len(list(violations(study))) == 2


def test_more_than_the_quota_is_found(study):
    Study.objects.filter(pk=study.pk).update(quota=1)

    found = list(violations(Study.objects.get(pk=study.pk)))
    assert "p-0 judged 2 comparisons; the quota is 1." in found
    assert any("no longer what its frozen plan says" in sentence for sentence in found)


def test_row_of_another_studys_annotator_is_found(study):
    stranger = AnnotatorFactory(study=open_study(comparisons=1))
    without_triggers()
    row = study.assignments.filter(annotator__isnull=False).first()
    study.assignments.filter(pk=row.pk).update(annotator=stranger)

    assert f"Row {row.pk} belongs to an annotator" in " ".join(violations(study))


def test_changed_text_is_found(study):
    Completion.objects.filter(pk=study.comparisons.first().candidate_id).update(text="Another text.")

    assert "a completion's text changed" in only(study)


def test_changed_plan_is_found(study):
    Study.objects.filter(pk=study.pk).update(plan_hash="f" * 64)

    assert "does not have the hash" in only(study)


def test_tampered_log_is_found(study):
    event = record_event(actor="ada", action="note")
    AuditEvent.objects.filter(pk=event.pk).update(actor="eve")

    assert f"event {event.pk}" in only(study)


@pytest.fixture
def served():
    """A draft with an arm that a server answers, and a completion by it."""
    study = draft_study(prompts=1)
    checkpoint = ensure_endpoint(Endpoint("https://models.example/v1", "small"))
    arm = ArmFactory(study=study, name="served", position=2, checkpoint=checkpoint)
    rows.completions(checkpoint, 1, batch_key=study.key)
    said = {"engine": "endpoint", "base_url": "https://models.example/v1", "model": "small"}
    Completion.objects.update(arm_key=arm.key, provenance=said)
    return study


def test_arm_that_a_server_answers_has_no_violation(served):
    assert list(violations(served)) == []


def test_endpoint_that_was_changed_is_found(served):
    row = Checkpoint.objects.get(source__startswith="endpoint:")
    Checkpoint.objects.filter(pk=row.pk).update(endpoint=row.endpoint | {"seed": False})

    assert only(served) == "The endpoint of arm “served” is no longer what the study file said."


def test_completion_of_another_server_is_found(served):
    said = {"engine": "endpoint", "base_url": "https://models.example/v1", "model": "large"}
    Completion.objects.update(provenance=said)

    assert only(served) == "Completions of arm “served” that come from another server: 1."
