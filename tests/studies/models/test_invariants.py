"""Each invariant of the tables, shown by trying to break it. Runs on SQLite and on PostgreSQL."""

import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from generation.models import Completion, Worker
from studies.domain.audit import record_event
from studies.enums import StudyStatus
from studies.models import (
    Alarm,
    ApiToken,
    Arm,
    AuditEvent,
    AuditHead,
    Exclusion,
    Invitation,
    Judgment,
    KeptAnswer,
    Membership,
    Notice,
    NoticeTarget,
    Prompt,
    Report,
    Skip,
    Study,
)
from studies.models.triggers import PLAN_COLUMNS, TRIGGERS
from tests.factories import (
    AnnotatorFactory,
    ArmFactory,
    CriterionFactory,
    PromptFactory,
    ResearcherFactory,
    StudyFactory,
    closed_study,
    draft_study,
    judge,
    open_study,
    ready_study,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def copy(row, **changes):
    values = {
        field.name: getattr(row, field.name) for field in row._meta.concrete_fields if field.name != "id"
    }
    if "key" in values:
        values["key"] = uuid.uuid4()
    if "token" in values:
        values["token"] = uuid.uuid4().hex
    if "invite" in values:
        values["invite"] = uuid.uuid4().hex
    return type(row).objects.create(**(values | changes))


def change(row, **changes):
    type(row).objects.filter(pk=row.pk).update(**changes)


def finished():
    """A closed study with judgments, for breaking."""
    study = closed_study(comparisons=2, overlap=2)
    judgment = Judgment.objects.first()
    return study, judgment


def study_columns(**changes):
    change(draft_study(), **changes)


def arm_of(study, **changes):
    change(study.arms.last(), **changes)


def excluded(**fields):
    study, _ = finished()
    Exclusion.objects.create(**({"study": study, "rule": "speed"} | fields))


def exclude_twice(**target):
    study = open_study(comparisons=1)
    annotator = AnnotatorFactory(study=study)
    (judgment,) = judge(study, annotator=annotator)
    chosen = {"annotator": annotator} if target["of"] == "annotator" else {"judgment": judgment}
    for _ in range(2):
        Exclusion.objects.create(study=study, rule="speed", **chosen)


def open_rows_of_one_annotator():
    study = open_study(comparisons=2)
    annotator = AnnotatorFactory(study=study)
    for comparison in study.comparisons.all():
        row = comparison.assignments.first()
        change(row, annotator=annotator, leased_at=NOW, lease_expires_at=NOW)


def same_comparison_twice():
    study = open_study(comparisons=1)
    annotator = AnnotatorFactory(study=study)
    study.assignments.update(annotator=annotator, leased_at=NOW, lease_expires_at=NOW, submitted_at=NOW)


def completion(**changes):
    change(Completion.objects.filter(batch_key=ready_study(prompts=1).key).first(), **changes)


def checkpoint(**changes):
    change(ready_study(prompts=1).arms.first().checkpoint, **changes)


def annotator(**changes):
    change(AnnotatorFactory(study=open_study(comparisons=1)), **changes)


def judgment(**changes):
    _, row = finished()
    change(row, **changes)


def assignment(**changes):
    change(open_study(comparisons=1).assignments.first(), **changes)


def comparison(**changes):
    change(ready_study(prompts=1).comparisons.first(), **changes)


def member(*, times=1, role="owner"):
    study, user = StudyFactory(), ResearcherFactory()
    for _ in range(times):
        Membership.objects.create(study=study, user=user, role=role)


def api_token(**fields):
    given = {"scopes": "read", "created_at": NOW, "expires_at": NOW + timedelta(days=1)} | fields
    return ApiToken.objects.create(user=ResearcherFactory(), name="backup", prefix="evenhand_", **given)


def notice_target(*, times=1, study=None, **fields):
    study = study or StudyFactory()
    usual = {"url": "https://example.org", "secret_hash": "a", "events": "study.filled", "created_by": "ada"}
    for _ in range(times):
        made = NoticeTarget.objects.create(study=study, **(usual | fields))
    return made


def written_to_twice():
    notice_target(times=2, user=ResearcherFactory(), url="", secret_hash="")


def notice(*, times=1, **fields):
    target = notice_target()
    usual = {"event": "test", "occasion": "one", "body": "{}", "created_at": NOW, "next_try_at": NOW}
    for _ in range(times):
        Notice.objects.create(target=target, **(usual | fields))


def kept_twice():
    user = ResearcherFactory()
    for _ in range(2):
        KeptAnswer.objects.create(user=user, key="one", request_hash="0" * 64, created_at=NOW)


def invitation(**fields):
    values = {"token_hash": "a" * 64, "created_by": ResearcherFactory(), "expires_at": NOW}
    Invitation.objects.create(**(values | fields))


def skipped_twice():
    study = open_study(comparisons=1)
    person = AnnotatorFactory(study=study)
    for _ in range(2):
        Skip.objects.create(annotator=person, comparison=study.comparisons.get(), reason="broken")


def skipped_without_reason():
    study = open_study(comparisons=1)
    Skip.objects.create(
        annotator=AnnotatorFactory(study=study), comparison=study.comparisons.get(), reason=""
    )


def same_external_id():
    study = open_study(comparisons=1)
    AnnotatorFactory.create_batch(2, study=study, external_id="5f1e")


def same_specs():
    study = draft_study()
    arm_of(study, spec_hash=study.arms.first().spec_hash)


def same_prompts():
    study = draft_study()
    change(study.prompts.last(), content_hash=study.prompts.first().content_hash)


def arm_against_itself():
    row = ready_study(prompts=1).comparisons.get()
    change(row, candidate_arm=row.baseline_arm)


def completion_against_itself():
    row = ready_study(prompts=1).comparisons.get()
    change(row, candidate=row.baseline)


def key_used_twice():
    study, first = finished()
    change(Judgment.objects.filter(assignment__study=study).last(), key=first.key)


def audit_hash_stands_still():
    AuditEvent.objects.create(at=NOW, actor="ada", action="x", previous_hash="e" * 64, hash="e" * 64)


def a_report(**changes):
    """A finished report, made without its content, changed straight in the table where that is allowed."""
    study = closed_study(comparisons=1)
    report = study.reports.get()
    fields = {"state": "running", "claimed_by": "a", "heartbeat_at": NOW, "read_at": NOW}
    change(report, **(fields | changes))
    return report


def a_finished_report():
    report = a_report()
    report.files.create(name="json", sha256="a" * 64, size=2, packed=b"")
    change(report, state="done", made_at=NOW, judgments_hash="a", plan_hash="b", versions={"evenhand": "0"})
    return report


def a_file_for(report, name="html"):
    return report.files.create(name=name, sha256="a" * 64, size=2, packed=b"")


def the_same_file_twice():
    report = a_report()
    a_file_for(report)
    a_file_for(report)


CONSTRAINTS = {
    "studies_apitoken_has_a_scope": lambda: api_token(scopes=""),
    "studies_apitoken_ends_after_it_begins": lambda: api_token(expires_at=NOW),
    "studies_noticetarget_is_account_or_address": lambda: notice_target(url=""),
    "studies_noticetarget_has_an_event": lambda: notice_target(events=""),
    "studies_noticetarget_account_once_per_study": written_to_twice,
    "studies_noticetarget_address_once_per_study": lambda: notice_target(times=2),
    "studies_notice_occasion_once_per_target": lambda: notice(times=2),
    "studies_notice_event_is_known": lambda: notice(event="study.leaked"),
    "studies_notice_waits_for_a_time": lambda: notice(next_try_at=None),
    "studies_alarm_percents_are_percents": lambda: Alarm.objects.create(
        study=StudyFactory(), flagged_percent=101
    ),
    "studies_keptanswer_key_once_per_account": kept_twice,
    "studies_invitation_study_has_role": lambda: invitation(role="owner"),
    "studies_invitation_accepted_or_revoked": lambda: invitation(accepted_at=NOW, revoked_at=NOW),
    "studies_audithead_is_one_row": lambda: AuditHead.objects.create(pk=2, hash="a", events=1),
    "studies_membership_one_role_per_study": lambda: member(times=2),
    "studies_membership_role_is_known": lambda: member(role="king"),
    "generation_checkpoint_status_is_known": lambda: checkpoint(status="good"),
    "generation_checkpoint_ready_has_hash": lambda: checkpoint(status="ready", weight_hash=""),
    "generation_checkpoint_is_called_or_held": lambda: checkpoint(endpoint={"model": "small"}),
    "generation_worker_state_is_known": lambda: Worker.objects.create(name="w", seen_at=NOW, state="asleep"),
    "generation_completion_once_per_prompt_arm_replicate": lambda: copy(
        Completion.objects.get(pk=ready_study(prompts=1).comparisons.get().candidate_id)
    ),
    "generation_completion_status_is_known": lambda: completion(status="lost"),
    "generation_completion_claim_has_owner": lambda: completion(status="claimed", claimed_by=""),
    "generation_completion_done_is_finished": lambda: completion(finish_reason=""),
    "generation_completion_failed_has_reason": lambda: completion(status="failed", error=""),
    "generation_completion_finished_after_claimed": lambda: completion(
        claimed_at=NOW + timedelta(days=1), finished_at=NOW
    ),
    "studies_study_status_is_known": lambda: StudyFactory(status="lost"),
    "studies_study_opens_with_frozen_plan": lambda: change(ready_study(), status=StudyStatus.OPEN),
    "studies_study_closed_has_time": lambda: change(open_study(), status=StudyStatus.CLOSED),
    "studies_study_overlap_positive": lambda: study_columns(overlap=0),
    "studies_study_quota_positive": lambda: study_columns(quota=0),
    "studies_study_replicates_positive": lambda: study_columns(replicates=0),
    "studies_study_lease_positive": lambda: study_columns(lease_minutes=0),
    "studies_study_vocabulary_is_known": lambda: study_columns(draws="mixed"),
    "studies_criterion_name_once_per_study": lambda: copy(
        draft_study().criteria.get(), position=9, primary=False
    ),
    "studies_criterion_position_once_per_study": lambda: copy(
        draft_study().criteria.get(), name="other", primary=False
    ),
    "studies_criterion_one_primary": lambda: copy(draft_study().criteria.get(), name="other", position=9),
    "studies_criterion_scale_is_known": lambda: change(draft_study().criteria.get(), scale="stars"),
    "studies_arm_name_once_per_study": lambda: arm_of(draft_study(), name="standard"),
    "studies_arm_position_once_per_study": lambda: arm_of(draft_study(), position=0),
    "studies_arm_one_baseline": lambda: arm_of(draft_study(), baseline=True),
    "studies_arm_specs_differ_unless_control": same_specs,
    "studies_arm_baseline_is_no_control": lambda: change(draft_study().arms.first(), control=True),
    "studies_prompt_name_once_per_study": lambda: change(draft_study().prompts.last(), name="prompt-0"),
    "studies_prompt_position_once_per_study": lambda: change(draft_study().prompts.last(), position=0),
    "studies_prompt_unique_within_study": same_prompts,
    "studies_prompt_is_conversation_or_text": lambda: change(draft_study().prompts.first(), text="Both."),
    "studies_prompt_family_is_known": lambda: change(draft_study().prompts.first(), family="riddle"),
    "studies_comparison_arms_differ": arm_against_itself,
    "studies_comparison_completions_differ": completion_against_itself,
    "studies_comparison_kind_is_known": lambda: comparison(kind="joke"),
    "studies_comparison_check_has_decoy": lambda: comparison(kind="check"),
    "studies_comparison_written_check_is_whole": lambda: comparison(asked="Why is the sky blue?"),
    "studies_comparison_once_per_pair_and_kind": lambda: copy(ready_study(prompts=1).comparisons.get()),
    "studies_assignment_ordinal_once": lambda: assignment(ordinal=2),
    "studies_assignment_annotator_meets_comparison_once": same_comparison_twice,
    "studies_assignment_one_open_per_annotator": open_rows_of_one_annotator,
    "studies_assignment_slot_is_known": lambda: assignment(candidate_slot="C"),
    "studies_assignment_ordinal_positive": lambda: assignment(ordinal=0),
    "studies_assignment_lease_is_whole": lambda: assignment(leased_at=NOW),
    "studies_annotator_pseudonym_once_per_study": lambda: AnnotatorFactory.create_batch(
        2, study=open_study(comparisons=1), pseudonym="annotator-1"
    ),
    "studies_annotator_external_id_once_per_study": same_external_id,
    "studies_annotator_status_is_known": lambda: annotator(status="asleep"),
    "studies_annotator_erased_has_nothing_personal": lambda: annotator(erased_at=NOW, external_id="P-1"),
    "studies_annotator_consent_is_whole": lambda: annotator(consent_hash=""),
    "studies_judgment_once_per_criterion": lambda: copy(finished()[1]),
    "studies_judgment_key_once_per_criterion": key_used_twice,
    "studies_judgment_choice_is_known": lambda: judgment(choice="left"),
    "studies_judgment_strength_fits_choice": lambda: judgment(choice="tie", strength=2),
    "studies_skip_once_per_comparison": skipped_twice,
    "studies_skip_has_reason": skipped_without_reason,
    "studies_exclusion_of_annotator_or_judgment": excluded,
    "studies_exclusion_has_rule": lambda: excluded(rule="", judgment=finished()[1]),
    "studies_exclusion_once_per_annotator_and_rule": lambda: exclude_twice(of="annotator"),
    "studies_exclusion_once_per_judgment_and_rule": lambda: exclude_twice(of="judgment"),
    "studies_audit_hash_continues_chain": audit_hash_stands_still,
    "studies_report_number_once_per_study": lambda: copy(a_report(), state="failed", error="None."),
    "studies_report_one_at_a_time": lambda: copy(a_report(), number=2),
    "studies_report_number_positive": lambda: a_report(number=0),
    "studies_report_vocabulary_is_known": lambda: a_report(kind="draft"),
    "studies_report_progress_is_percent": lambda: a_report(progress=101),
    "studies_report_running_has_owner": lambda: a_report(claimed_by=""),
    "studies_report_done_says_what_it_rests_on": lambda: change(
        a_file_for(a_report()).report, state="done", made_at=NOW, judgments_hash="a"
    ),
    "studies_report_failed_has_reason": lambda: a_report(state="failed"),
    "studies_reportfile_name_once_per_report": the_same_file_twice,
}


def a_ready_study_without_primary():
    study = ready_study(prompts=1)
    change(study.criteria.get(), primary=False)
    change(study, plan_hash="a" * 64, status=StudyStatus.OPEN, opened_at=NOW)


def one_row_too_many():
    study = open_study(comparisons=1, overlap=2)
    copy(study.assignments.first(), ordinal=3)


def own_row(study, person, **fields):
    check = study.comparisons.get(kind="check")
    values = {"annotator": person, "ordinal": person.pk, "leased_at": NOW, "lease_expires_at": NOW}
    return copy(study.assignments.first(), **(values | {"comparison": check} | fields))


def own_row_without_annotator():
    study = open_study(comparisons=1, checks={"shuffled": 1})
    own_row(study, AnnotatorFactory(study=study), annotator=None, leased_at=None, lease_expires_at=None)


def own_row_handed_on():
    study = open_study(comparisons=1, checks={"shuffled": 1})
    row = own_row(study, AnnotatorFactory(study=study))
    change(row, annotator=AnnotatorFactory(study=study))


TRIGGERED = {
    "studies_report_done_stays_update": lambda: change(a_finished_report(), judgments_hash="c"),
    "studies_report_done_stays_delete": lambda: Report.objects.filter(pk=a_finished_report().pk)._raw_delete(
        "default"
    ),
    "studies_report_done_has_files": lambda: a_report(
        state="done", made_at=NOW, judgments_hash="a", plan_hash="b", versions={"evenhand": "0"}
    ),
    "studies_reportfile_stays_insert": lambda: a_file_for(a_finished_report()),
    "studies_reportfile_stays_update": lambda: change(a_finished_report().files.get(), packed=b"x"),
    "studies_reportfile_stays_delete": lambda: a_finished_report().files.get().delete(),
    "studies_study_status_moves_forward": lambda: change(draft_study(), status=StudyStatus.READY),
    "studies_study_plan_is_frozen": lambda: change(open_study(), overlap=9),
    "studies_study_once_simulated_stays_so": lambda: change(draft_study(simulated=True), simulated=False),
    "studies_study_extension_grows_while_open": lambda: change(ready_study(), extension=1),
    "studies_study_additions_grow_while_open": lambda: change(open_study(), additions=2),
    "studies_study_once_unblinded_stays_so": lambda: change(
        open_study(unblinded_at=timezone.now()), unblinded_at=None
    ),
    "studies_study_freezes_complete_plan": a_ready_study_without_primary,
    "studies_criterion_is_part_of_frozen_plan_insert": lambda: CriterionFactory(
        study=open_study(), name="late"
    ),
    "studies_criterion_is_part_of_frozen_plan_update": lambda: change(
        open_study().criteria.get(), question="Which is longer?"
    ),
    "studies_criterion_is_part_of_frozen_plan_delete": lambda: open_study().criteria.all().delete(),
    "studies_arm_is_part_of_frozen_plan_insert": lambda: ArmFactory(
        study=open_study(), name="late", control=True
    ),
    "studies_arm_is_part_of_frozen_plan_update": lambda: arm_of(open_study(), name="other"),
    "studies_arm_is_part_of_frozen_plan_delete": lambda: Arm.objects.filter(
        pk=_unused_arm(open_study(arms=("standard", "guided", "spare")))
    )._raw_delete("default"),
    "studies_prompt_is_part_of_frozen_plan_insert": lambda: PromptFactory(study=open_study(), name="late"),
    "studies_prompt_is_part_of_frozen_plan_update": lambda: change(
        open_study().prompts.first(), name="other"
    ),
    "studies_prompt_is_part_of_frozen_plan_delete": lambda: Prompt.objects.filter(
        study=open_study()
    )._raw_delete("default"),
    "studies_assignment_never_more_than_overlap": one_row_too_many,
    "studies_assignment_own_row_has_its_annotator": own_row_without_annotator,
    "studies_assignment_own_row_is_not_handed_on": own_row_handed_on,
    "studies_comparison_leaves_plan_before_opening": lambda: change(
        open_study().comparisons.first(), kind="out"
    ),
    "studies_auditevent_is_append_only_update": lambda: change(
        record_event(actor="ada", action="one"), action="another"
    ),
    "studies_auditevent_is_append_only_delete": lambda: AuditEvent.objects.filter(
        pk=record_event(actor="ada", action="one").pk
    ).delete(),
}


def _unused_arm(study):
    return study.arms.last().pk


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint_refuses_to_be_broken(name):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        CONSTRAINTS[name]()

    assert said(refusal.value, name)


@pytest.mark.parametrize("name", TRIGGERED)
def test_trigger_refuses_to_be_broken(name):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        TRIGGERED[name]()

    assert name in str(refusal.value)


def said(error, name):
    """Whether an error is about constraint ``name``; SQLite names the columns of a plain unique one."""
    if name in str(error):
        return True
    columns = {
        f"{model._meta.db_table}.{model._meta.get_field(expression.name).column}"
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if constraint.name == name
        for expression in [
            *getattr(constraint, "expressions", ()),
            *[type("Named", (), {"name": field}) for field in getattr(constraint, "fields", ())],
        ]
    }
    told = str(error).removeprefix("UNIQUE constraint failed: ").split(", ")
    return connection.vendor == "sqlite" and columns == set(told)


def test_every_constraint_has_its_breaker():
    declared = {
        constraint.name
        for model in apps.get_models()
        if model._meta.app_label in {"studies", "generation"}
        for constraint in model._meta.constraints
    }

    assert set(CONSTRAINTS) == declared


def test_every_trigger_has_its_breaker():
    assert set(TRIGGERED) == {trigger.name for trigger in TRIGGERS}


@pytest.mark.parametrize("column", PLAN_COLUMNS)
def test_each_column_of_the_plan_is_frozen(column):
    study = open_study(comparisons=1)
    field = Study._meta.get_field(column)
    kinds = {
        "JSONField": {"shuffled": 77},
        "PositiveIntegerField": 77,
        "BigIntegerField": 77,
        "BooleanField": True,
    }
    other = {"tie_rule": "drop", "draws": "coupled", "text_format": "markdown"}.get(
        column, kinds.get(type(field).__name__, "other")
    )

    with pytest.raises(IntegrityError, match="studies_study_plan_is_frozen"), transaction.atomic():
        change(study, **{column: other})


def test_an_extension_is_never_taken_back():
    study = open_study(comparisons=1)
    change(study, extension=2)

    with pytest.raises(IntegrityError, match="extension_grows"), transaction.atomic():
        change(study, extension=1)


def test_what_is_not_of_the_plan_may_change_while_open():
    study = open_study(comparisons=1)

    change(study, description="A note for colleagues.")

    assert Study.objects.get(pk=study.pk).description == "A note for colleagues."
