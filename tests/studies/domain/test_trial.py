"""A trial of the arms: written by workers like any completion, and no part of the study."""

import pytest

from generation import runs
from generation.models import Completion
from generation.requests import ensure_checkpoint, progress
from studies import queries
from studies.domain.errors import StudyError
from studies.domain.lifecycle import missing_completions, open_study, settle, start_generation
from studies.domain.trial import MOST, drawn_prompts, end_trial, first_prompts, start_trial, usual_arms
from studies.files.editing import SECTIONS, section_data, store_section
from studies.models import Arm, AuditEvent, Study
from studies.queries.trial import trial_key, trial_of
from tests.factories import complete, draft_study, ready_study
from tests.generation.fakes import FakeGenerator

pytestmark = pytest.mark.django_db


def tried(study, **chosen):
    wish = {"prompts": first_prompts(study), "arms": usual_arms(study), "actor": "ada"} | chosen
    return start_trial(study=study, **wish)


def write(study):
    """Let a worker write what waits."""
    return runs.run(study.arms.first().checkpoint, FakeGenerator(), seconds=60)


def test_three_prompts_are_written_by_both_arms(settings):
    study = draft_study(prompts=4)
    tried(study)

    tally = write(study)

    trial = trial_of(study)
    assert tally.done == 6
    assert [one.prompt.name for one in trial.prompts] == ["prompt-0", "prompt-1", "prompt-2"]
    arms = {tuple(one.arm.name for one in prompt.tried) for prompt in trial.prompts}
    assert arms == {("standard", "guided")}
    # The fake writes the prompt backwards.
    assert trial.prompts[1].tried[0].completion.text.endswith("etarip a sa rewsnA")
    assert (trial.progress.left, trial.failed) == (0, 0)


def test_what_was_tried_is_no_completion_of_the_study():
    study = draft_study(prompts=3)
    tried(study)
    write(study)

    study = start_generation(study=study, actor="ada")

    assert progress(study.key).done == 0
    assert missing_completions(study) == 6
    assert [cost.completions for cost in queries.arm_costs(study)] == [0, 0]
    assert not study.comparisons.exists()


def test_the_texts_tried_are_other_draws_than_the_study_will_have():
    study = draft_study(prompts=1)
    tried(study)
    tried(study)
    again = set(Completion.objects.values_list("request__noise__stream", flat=True))

    start_generation(study=study, actor="ada")

    own = set(Completion.objects.filter(batch_key=study.key).values_list("request__noise__stream", flat=True))
    assert (again, own) == ({"trial/2/standard", "trial/2/guided"}, {"standard", "guided"})


def test_a_trial_is_written_before_what_waits_already():
    other = start_generation(study=draft_study(prompts=3), actor="ada")
    study = draft_study(prompts=1)
    tried(study)

    first = runs.claim(study.arms.first().checkpoint, owner="host:1:a", rows=3)

    assert {one.batch_key for one in first} == {trial_key(study)}
    assert other.key != study.key


def test_an_opened_study_keeps_nothing_of_its_trial_and_takes_none():
    study = ready_study(prompts=2)
    tried(study)

    study = open_study(study=study, actor="ada")

    assert not Completion.objects.filter(batch_key=trial_key(study)).exists()
    with pytest.raises(StudyError, match="can no longer be tried out"):
        tried(study)


def test_what_annotators_will_see_does_not_depend_on_a_trial():
    study = draft_study(prompts=2)
    tried(study)
    write(study)
    complete(study)
    Study.objects.filter(pk=study.pk).update(status="generating")

    study = settle(Study.objects.get(pk=study.pk))

    shown = {one.candidate.batch_key for one in study.comparisons.select_related("candidate")}
    assert (study.status, study.comparisons.count(), shown) == ("ready", 2, {study.key})


def test_changed_arms_leave_nothing_of_the_trial_before():
    study = draft_study(prompts=2)
    tried(study)
    arms = SECTIONS["arms"]
    data = section_data(study, arms)
    data["arms"][1]["guidance_scale"] = 3

    store_section(study, arms, data, actor="ada")

    assert trial_of(Study.objects.get(pk=study.pk)) is None


def test_uploaded_arms_show_what_was_uploaded_or_that_nothing_was():
    study = draft_study(prompts=2)
    given = ensure_checkpoint("given:elsewhere")
    Arm.objects.filter(study=study).update(checkpoint=given)
    complete(study)
    gone = study.prompts.last()
    Completion.objects.filter(batch_key=study.key, prompt_key=gone.key).delete()

    tried(study)

    there, missing = trial_of(study).prompts
    own = Completion.objects.get(batch_key=study.key, arm_key=there.tried[0].arm.key)
    assert there.tried[0].completion.text == own.text
    assert [one.completion.status for one in missing.tried] == ["failed", "failed"]
    assert (trial_of(study).failed, trial_of(study).progress.left) == (0, 0)


def test_a_failure_is_told_with_its_reason():
    study = draft_study(prompts=1)
    tried(study)
    Completion.objects.filter(batch_key=trial_key(study)).update(status="failed", error="Too long.")

    trial = trial_of(study)

    assert (trial.failed, trial.errors) == (2, ("Too long.",))


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"prompts": ["nowhere"]}, "no prompt “nowhere”"),
        ({"arms": ["nobody"]}, "no arm “nobody”"),
        ({"prompts": []}, "Choose one to"),
        ({"prompts": [f"prompt-{number}" for number in range(MOST + 1)]}, "Choose one to"),
    ],
)
def test_what_cannot_be_tried_is_refused(chosen, reason):
    study = draft_study(prompts=MOST + 1)

    with pytest.raises(StudyError, match=reason):
        tried(study, **chosen)


def test_each_trial_can_draw_other_prompts_and_the_draw_can_be_redone():
    study = draft_study(prompts=6)
    first = drawn_prompts(study)

    again = drawn_prompts(study)
    tried(study, prompts=first)

    # For the study's seed of 7, found by drawing: the second trial draws others.
    assert again == first
    assert len(set(first)) == 3
    assert drawn_prompts(study) != first


def test_the_log_says_what_was_tried_and_that_it_was_deleted():
    study = draft_study(prompts=1)
    tried(study)

    end_trial(study=study, actor="bob")
    end_trial(study=study, actor="bob")

    events = AuditEvent.objects.filter(study=study).order_by("id").values_list("actor", "action", "after")
    assert list(events) == [
        ("ada", "study.tried", {"trial": 1, "prompts": ["prompt-0"], "arms": ["standard", "guided"]}),
        ("bob", "study.trial_deleted", None),
    ]
    assert trial_of(study) is None
