"""Before a study opens, pairs can leave its plan and completions can be drawn anew; the log keeps it all."""

import pytest
from django.db.models import F
from django.utils import timezone

from generation.models import Checkpoint, Completion
from studies.domain import lifecycle
from studies.domain.errors import PlanFrozenError, StudyError
from studies.domain.invariants import violations
from studies.domain.leaving_out import leave_out, put_back, redraw
from studies.enums import Kind
from studies.models import AuditEvent, Study
from tests import factories

pytestmark = pytest.mark.django_db


def generated_study(**fields):
    """Return a ready study whose completions a worker has written."""
    study = factories.ready_study(**fields)
    Completion.objects.filter(batch_key=study.key).update(claimed_at=F("finished_at"), claimed_by="host:1:1")
    return study


def write_again(study, text="A new text."):
    """Do what a worker does with completions that wait."""
    waiting = Completion.objects.filter(batch_key=study.key, status="pending")
    for number, completion in enumerate(waiting):
        completion.text, completion.status = f"{text} {number}", "done"
        completion.finish_reason, completion.finished_at = "stop", timezone.now()
        completion.claimed_at = completion.finished_at
        completion.save()


def events(study, action):
    return list(AuditEvent.objects.filter(study=study, action=action))


def test_a_pair_that_is_left_out_is_in_no_slot_plan_and_in_the_frozen_plan_by_name():
    study = generated_study(prompts=3)
    gone = study.comparisons.first()

    assert leave_out(study=study, comparisons=[gone.pk], reason="Nonsense.", actor="ada") == 1
    study = lifecycle.open_study(study=study, actor="ada")

    assert set(study.assignments.values_list("comparison", flat=True)) == set(
        study.comparisons.exclude(pk=gone.pk).values_list("pk", flat=True)
    )
    assert len(study.plan["comparisons"]) == 2
    assert study.plan["left_out"] == [{"prompt": "prompt-0", "arm": "guided", "against": "standard"}]
    assert list(violations(study)) == []


def test_who_left_a_pair_out_and_why_is_logged_without_naming_an_arm():
    study = generated_study(prompts=2)
    pair = study.comparisons.first()

    leave_out(study=study, comparisons=[pair.pk], reason=" Nonsense. ", actor="ada")

    (event,) = events(study, "comparison.left_out")
    assert (event.actor, event.after) == (
        "ada",
        {"comparisons": [{"comparison": pair.pk, "prompt": "prompt-0"}], "reason": "Nonsense."},
    )


def test_a_pair_can_be_put_back():
    study = generated_study(prompts=2)
    pair = study.comparisons.first()
    leave_out(study=study, comparisons=[pair.pk], reason="Nonsense.", actor="ada")

    assert put_back(study=study, comparisons=[pair.pk], actor="bo") == 1

    assert study.comparisons.filter(kind=Kind.REAL).count() == 2
    assert [event.actor for event in events(study, "comparison.included")] == ["bo"]


def test_a_study_of_which_every_pair_is_left_out_cannot_be_opened():
    study = generated_study(prompts=1)
    leave_out(study=study, comparisons=[study.comparisons.get().pk], reason="Nonsense.", actor="ada")

    with pytest.raises(StudyError, match="no pair of differing completions"):
        lifecycle.open_study(study=study, actor="ada")


@pytest.mark.parametrize("verb", [leave_out, put_back, redraw])
def test_a_frozen_plan_refuses_and_logs_the_attempt(verb):
    study = factories.open_study(comparisons=2)
    reason = {} if verb is put_back else {"reason": "Nonsense."}

    with pytest.raises(PlanFrozenError, match="was frozen when it opened"):
        verb(study=study, comparisons=[study.comparisons.first().pk], actor="ada", **reason)

    assert len(events(study, "plan.change_refused")) == 1
    assert study.comparisons.filter(kind=Kind.LEFT_OUT).count() == 0


def test_a_draft_and_strange_pairs_are_refused_with_a_reason():
    foreign = generated_study(prompts=1).comparisons.get().pk
    study = generated_study(prompts=1)

    with pytest.raises(StudyError, match="is draft: comparisons can be left out or drawn anew once"):
        leave_out(study=factories.draft_study(), comparisons=[foreign], reason="x", actor="ada")
    for wrong in (foreign, 10**12):
        with pytest.raises(StudyError, match="has none of these comparisons in its plan"):
            leave_out(study=study, comparisons=[wrong], reason="x", actor="ada")
    for verb in (leave_out, redraw):
        with pytest.raises(StudyError, match="needs a reason"):
            verb(study=study, comparisons=[study.comparisons.get().pk], reason=" ", actor="ada")


def test_a_flagged_response_is_drawn_anew_with_other_noise_and_its_text_stays_in_the_log():
    study = generated_study(prompts=2)
    pair = study.comparisons.first()
    Completion.objects.filter(pk=pair.candidate_id).update(text="no no no no no no", token_ids=[5, 5])
    before = Completion.objects.get(pk=pair.candidate_id).request

    made = redraw(study=study, comparisons=[pair.pk], reason="It repeats itself.", actor="ada")

    after = Completion.objects.get(pk=pair.candidate_id)
    assert (made.drawn, made.kept) == (1, ())
    assert (after.status, after.text, after.token_ids, after.attempts) == ("pending", "", [], 0)
    assert after.request == before | {"noise": before["noise"] | {"stream": "guided#1"}}
    (event,) = events(study, "completion.redrawn")
    assert event.before["completions"][0]["text"] == "no no no no no no"
    assert event.before["completions"][0]["noise"] == before["noise"]
    assert event.after["reason"] == "It repeats itself."
    assert Completion.objects.get(pk=pair.baseline_id).status == "done"
    assert Study.objects.get(pk=study.pk).status == "generating"


def test_without_a_flag_of_their_own_both_responses_are_drawn_anew():
    study = generated_study(prompts=2)

    made = redraw(study=study, comparisons=[study.comparisons.first().pk], reason="Odd.", actor="ada")

    assert made.drawn == 2


def test_coupled_arms_go_on_sharing_their_noise():
    study = generated_study(prompts=2, arms=("standard", "mild", "strong"), draws="coupled")
    pair = study.comparisons.first()
    for completion in Completion.objects.filter(batch_key=study.key):
        noise = completion.request["noise"] | {"stream": "coupled"}
        Completion.objects.filter(pk=completion.pk).update(request=completion.request | {"noise": noise})
    Completion.objects.filter(pk=pair.candidate_id).update(text="")

    made = redraw(study=study, comparisons=[pair.pk], reason="Empty.", actor="ada")

    waiting = Completion.objects.filter(batch_key=study.key, status="pending")
    assert made.drawn == 3
    assert {completion.request["noise"]["stream"] for completion in waiting} == {"coupled#1"}
    assert {completion.prompt_key for completion in waiting} == {pair.prompt.key}


def test_once_written_the_study_is_ready_again_and_knows_which_texts_are_alike():
    study = generated_study(prompts=2)
    pair = study.comparisons.first()
    Completion.objects.filter(pk__in=[pair.candidate_id, pair.baseline_id]).update(text="The same.")
    study.comparisons.filter(pk=pair.pk).update(identical=True)
    left_out = study.comparisons.last()
    leave_out(study=study, comparisons=[left_out.pk], reason="Nonsense.", actor="ada")

    redraw(study=study, comparisons=[pair.pk], reason="Twice the same.", actor="ada")
    write_again(study)
    study = lifecycle.settle(Study.objects.get(pk=study.pk))

    assert study.status == "ready"
    assert list(study.comparisons.order_by("pk").values_list("pk", "identical", "kind")) == [
        (pair.pk, False, "real"),
        (left_out.pk, False, "out"),
    ]


def test_a_second_redraw_draws_again():
    study = generated_study(prompts=1)
    for _ in range(2):
        redraw(study=study, comparisons=[study.comparisons.get().pk], reason="Odd.", actor="ada")
        write_again(study)
        study = lifecycle.settle(Study.objects.get(pk=study.pk))

    streams = {one.request["noise"]["stream"] for one in Completion.objects.filter(batch_key=study.key)}
    assert streams == {"standard#2", "guided#2"}


@pytest.mark.parametrize("how", ["given", "imported", "greedy"])
def test_what_cannot_be_drawn_anew_stays_and_says_why(how):
    study = generated_study(prompts=1)
    completions = Completion.objects.filter(batch_key=study.key)
    if how == "given":
        Checkpoint.objects.update(source="given:people")
    elif how == "imported":
        completions.update(claimed_at=None)
    else:
        for one in completions:
            one.request["spec"]["temperature"] = 0
            one.save()

    made = redraw(study=study, comparisons=[study.comparisons.get().pk], reason="Odd.", actor="ada")

    assert made.drawn == 0
    assert [sentence.split()[0] for sentence in made.kept] == ["Greedy" if how == "greedy" else "Imported"]
    assert Study.objects.get(pk=study.pk).status == "ready"
    assert events(study, "completion.redrawn") == []
