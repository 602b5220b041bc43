import pytest

from generation import holding, tasks
from generation.models import Completion
from studies.domain import generating, lifecycle
from studies.domain.errors import StudyError
from studies.enums import StudyStatus
from tests.factories import complete, draft_study

pytestmark = pytest.mark.django_db
ADA = "ada"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.generate, "apply_async", lambda *_, **__: None)


@pytest.fixture
def study():
    return lifecycle.start_generation(study=draft_study(prompts=2), actor=ADA)


def said(study) -> list[str]:
    return list(study.events.order_by("id").values_list("action", flat=True))[1:]


def test_pausing_and_resuming_are_logged_and_can_be_done_once_each(study) -> None:
    generating.pause_generation(study=study, actor=ADA)
    with pytest.raises(StudyError, match="paused already"):
        generating.pause_generation(study=study, actor=ADA)
    generating.resume_generation(study=study, actor=ADA)
    with pytest.raises(StudyError, match="is not paused"):
        generating.resume_generation(study=study, actor=ADA)

    assert said(study) == ["study.generation_paused", "study.generation_resumed"]
    assert study.status == StudyStatus.GENERATING


@pytest.mark.parametrize("keep", [True, False])
def test_cancelling_makes_a_draft_that_can_be_generated_again(study, keep) -> None:
    first = Completion.objects.filter(batch_key=study.key).first()
    Completion.objects.filter(pk=first.pk).update(
        status="done", finish_reason="stop", text="Hi", finished_at=study.created_at
    )

    draft = generating.cancel_generation(study=study, actor=ADA, keep_finished=keep)
    left = list(Completion.objects.filter(batch_key=study.key).values_list("status", flat=True))
    again = lifecycle.start_generation(study=draft, actor=ADA)

    assert (draft.status, left) == (StudyStatus.DRAFT, ["done"] if keep else [])
    assert said(study) == ["study.generation_cancelled", "study.generation_started"]
    assert study.events.get(action="study.generation_cancelled").after == {
        "status": "draft",
        "completions_kept": len(left),
    }
    assert lifecycle.missing_completions(again) == 4 - len(left)
    assert Completion.objects.filter(batch_key=study.key).count() == 4


@pytest.mark.parametrize("verb", ["pause_generation", "resume_generation", "cancel_generation"])
def test_a_study_that_generates_nothing_is_refused(verb: str) -> None:
    options = {"keep_finished": True} if verb == "cancel_generation" else {}

    with pytest.raises(StudyError, match=r"is draft, so it cannot be .* in its generation"):
        getattr(generating, verb)(study=draft_study(), actor=ADA, **options)


def test_one_completion_is_retried_and_logged_without_its_arm(study) -> None:
    failed = Completion.objects.filter(batch_key=study.key).first()
    Completion.objects.filter(pk=failed.pk).update(status="failed", error="out of memory")
    failed.refresh_from_db()

    generating.retry_completion(study=study, completion=failed, actor=ADA)
    with pytest.raises(StudyError, match="has not failed"):
        generating.retry_completion(study=study, completion=failed, actor=ADA)

    failed.refresh_from_db()
    assert failed.status == "pending"
    event = study.events.get(action="study.completion_retried")
    assert event.after == {"prompt": "prompt-0", "replicate": 0, "failed": "out of memory"}


def test_a_completion_of_another_study_is_not_retried(study) -> None:
    other = lifecycle.start_generation(study=draft_study(prompts=2), actor=ADA)
    failed = Completion.objects.filter(batch_key=other.key).first()
    Completion.objects.filter(pk=failed.pk).update(status="failed", error="out of memory")

    with pytest.raises(StudyError):
        generating.retry_completion(study=study, completion=failed, actor=ADA)

    failed.refresh_from_db()
    assert failed.status == "failed"


def test_a_study_whose_last_completion_came_before_the_pause_is_ready_and_not_held(study) -> None:
    generating.pause_generation(study=study, actor=ADA)
    Completion.objects.filter(batch_key=study.key).delete()
    complete(study)

    ready = lifecycle.settle(study)

    assert ready.status == StudyStatus.READY
    assert not holding.is_held(study.key)
