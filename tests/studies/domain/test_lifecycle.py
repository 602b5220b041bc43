import pytest

from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.errors import PlanFrozenError, StudyError
from studies.domain.plan import frozen_plan, plan_hash
from studies.enums import MOVES, StudyStatus
from studies.models import AuditEvent, Study
from tests.factories import closed_study, complete, draft_study, open_study, ready_study

pytestmark = pytest.mark.django_db

VERBS = {
    "generate": (lifecycle.start_generation, StudyStatus.GENERATING),
    "open": (lifecycle.open_study, StudyStatus.OPEN),
    "pause": (lifecycle.pause_study, StudyStatus.PAUSED),
    "resume": (lifecycle.resume_study, StudyStatus.OPEN),
    "close": (lifecycle.close_study, StudyStatus.CLOSED),
    "archive": (lifecycle.archive_study, StudyStatus.ARCHIVED),
}


def generating_study(**fields):
    return lifecycle.start_generation(study=draft_study(**fields), actor="ada")


def paused_study():
    return lifecycle.pause_study(study=open_study(comparisons=2), actor="ada")


def archived_study():
    return lifecycle.archive_study(study=closed_study(comparisons=2), actor="ada")


IN_STATUS = {
    StudyStatus.DRAFT: draft_study,
    StudyStatus.GENERATING: generating_study,
    StudyStatus.READY: ready_study,
    StudyStatus.OPEN: open_study,
    StudyStatus.PAUSED: paused_study,
    StudyStatus.CLOSED: closed_study,
    StudyStatus.ARCHIVED: archived_study,
}


@pytest.mark.parametrize("status", IN_STATUS)
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_moves_a_study_only_where_the_life_allows_it(name, status):
    verb, target = VERBS[name]
    study = IN_STATUS[status]()
    from_paused = name == "resume"
    allowed = (
        target in MOVES[status]
        and (target != StudyStatus.OPEN or from_paused == (status == StudyStatus.PAUSED))
        # From ready it goes back only where completions are drawn anew.
        and (target != StudyStatus.GENERATING or status == StudyStatus.DRAFT)
    )

    if allowed:
        assert verb(study=study, actor="ada").status == target
    else:
        with pytest.raises(StudyError, match=f"“{study.slug}” is {status.label.lower()}"):
            verb(study=study, actor="ada")
        assert Study.objects.get(pk=study.pk).status == status


def test_generation_asks_for_each_prompt_arm_and_replicate_once():
    study = generating_study(prompts=3, replicates=2)

    rows = Completion.objects.filter(batch_key=study.key)

    assert rows.count() == 3 * 2 * 2
    assert set(rows.values_list("status", flat=True)) == {"pending"}


def test_arms_draw_independent_noise_unless_coupled():
    streams = {
        draws: set(
            Completion.objects.filter(batch_key=generating_study(draws=draws).key).values_list(
                "request__noise__stream", flat=True
            )
        )
        for draws in ("independent", "coupled")
    }

    assert streams == {"independent": {"standard", "guided"}, "coupled": {"coupled"}}


def test_study_is_ready_when_the_last_completion_is_there():
    study = generating_study(prompts=2)
    rows = Completion.objects.filter(batch_key=study.key)
    rows.update(status="done", text="x", finish_reason="stop", finished_at=study.created_at)
    last = rows.last()
    Completion.objects.filter(pk=last.pk).update(status="pending")

    assert lifecycle.settle(study).status == StudyStatus.GENERATING
    Completion.objects.filter(pk=last.pk).update(status="done")
    assert lifecycle.settle(study).status == StudyStatus.READY


def test_settling_twice_makes_the_comparisons_once():
    study = draft_study(prompts=2)
    complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    stale = Study.objects.get(pk=study.pk)
    lifecycle.settle(Study.objects.get(pk=study.pk))

    settled = lifecycle.settle(stale)

    assert settled.status == StudyStatus.READY
    assert settled.comparisons.count() == 2
    assert AuditEvent.objects.filter(study=study, action="study.ready").count() == 1


def test_opening_freezes_the_plan_with_its_hash():
    study = open_study(comparisons=2)

    stored = Study.objects.get(pk=study.pk)

    assert stored.plan == frozen_plan(stored)
    assert stored.plan_hash == plan_hash(stored.plan)
    assert stored.opened_at is not None


def test_plan_names_every_pair_by_the_hash_of_its_texts():
    study = open_study(comparisons=3)

    assert [pair["prompt"] for pair in study.plan["comparisons"]] == ["prompt-0", "prompt-1", "prompt-2"]
    assert len({pair["candidate"] for pair in study.plan["comparisons"]}) == 3


def test_study_without_a_pair_to_compare_does_not_open():
    study = draft_study(prompts=1)
    complete(study)
    Completion.objects.filter(batch_key=study.key).update(text="The very same.")
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()

    with pytest.raises(StudyError, match="nothing to compare"):
        lifecycle.open_study(study=study, actor="ada")


def test_each_move_is_logged_with_who_and_what():
    study = closed_study(comparisons=2)

    moves = AuditEvent.objects.filter(study=study).values_list("actor", "action", "before", "after")

    assert ("tests", "study.opened", {"status": "ready"}, {"status": "open"}) in moves
    assert ("tests", "study.closed", {"status": "open"}, {"status": "closed"}) in moves


def test_change_of_a_frozen_plan_is_refused_and_logged():
    study = open_study(comparisons=2)

    with pytest.raises(PlanFrozenError, match="frozen when it opened"):
        lifecycle.refuse_frozen(study=study, actor="eve", wanted="import of new.yaml")

    event = AuditEvent.objects.get(study=study, action="plan.change_refused")
    assert (event.actor, event.after) == ("eve", {"wanted": "import of new.yaml"})


def test_change_of_a_draft_is_not_refused():
    study = draft_study()

    lifecycle.refuse_frozen(study=study, actor="ada", wanted="import of new.yaml")

    assert not AuditEvent.objects.filter(action="plan.change_refused").exists()
