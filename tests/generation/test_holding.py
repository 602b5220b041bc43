import pytest

from generation import holding, requests, runs, tasks
from generation.models import Checkpoint, Completion, Hold
from generation.spec import FinishReason, Generated
from tests.generation import rows

pytestmark = pytest.mark.django_db
Status = Completion.Status


@pytest.fixture
def tiny():
    return rows.checkpoint()


@pytest.fixture(autouse=True)
def called(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    heard: list[int] = []
    monkeypatch.setattr(tasks.generate, "apply_async", lambda args, **_: heard.extend(args))
    return heard


def finish(completion: Completion, owner: str) -> None:
    runs.record(Generated(completion.pk, "Hi", (1,), FinishReason.STOP, 1, 1.0, 0.1), owner=owner)


def test_pausing_gives_back_what_is_in_flight_and_keeps_the_rest(tiny) -> None:
    rows.completions(tiny, 4)
    first, *_ = runs.claim(tiny, owner="me", rows=3)
    finish(first, "me")

    assert holding.pause(rows.BATCH) == 2
    assert sorted(Completion.objects.values_list("status", "attempts")) == [
        ("done", 1), ("pending", 0), ("pending", 0), ("pending", 0)
    ]  # fmt: skip
    far = requests.progress(rows.BATCH)
    assert (far.paused, far.claimed, far.pending, far.left) == (True, 0, 3, 3)


def test_nobody_claims_what_is_paused_until_it_is_resumed(
    tiny, called, django_capture_on_commit_callbacks
) -> None:
    rows.completions(tiny, 2)
    holding.pause(rows.BATCH)
    holding.pause(rows.BATCH)

    assert runs.claim(tiny, owner="me", rows=9) == []
    with django_capture_on_commit_callbacks(execute=True):
        holding.resume(rows.BATCH)

    assert called == [tiny.pk]
    assert len(runs.claim(tiny, owner="me", rows=9)) == 2


def test_what_a_worker_writes_after_the_pause_is_not_taken(tiny) -> None:
    rows.completions(tiny, 1)
    (claimed,) = runs.claim(tiny, owner="me", rows=1)
    holding.pause(rows.BATCH)

    finish(claimed, "me")

    assert Completion.objects.get().status == Status.PENDING


@pytest.mark.parametrize("keep", [True, False])
def test_cancelling_takes_back_the_request_and_keeps_what_is_finished_as_asked(tiny, keep) -> None:
    rows.completions(tiny, 3)
    first, second = runs.claim(tiny, owner="me", rows=2)
    finish(first, "me")
    imported = rows.completions(rows.checkpoint("people", source="given:people"), 1)[0]
    runs.claim(imported.checkpoint, owner="me", rows=1)
    finish(imported, "me")
    holding.pause(rows.BATCH)

    left = holding.cancel(rows.BATCH, keep_finished=keep)
    finish(second, "me")

    expected = {first.pk, imported.pk} if keep else {imported.pk}
    assert (left, set(Completion.objects.values_list("pk", flat=True))) == (len(expected), expected)
    assert not Hold.objects.exists()


def test_one_failed_completion_is_tried_anew_and_the_others_stay(
    tiny, called, django_capture_on_commit_callbacks
) -> None:
    first, second = rows.completions(tiny, 2)
    Completion.objects.update(status=Status.FAILED, error="out of luck", attempts=4)
    Checkpoint.objects.update(status=Checkpoint.Status.FAILED, error="no disk")

    with django_capture_on_commit_callbacks(execute=True):
        answers = [holding.retry(first), holding.retry(first)]

    assert answers == [True, False]
    assert list(holding.failures(rows.BATCH)) == [second]
    first.refresh_from_db()
    assert (first.status, first.attempts, first.error) == (Status.PENDING, 0, "")
    assert Checkpoint.objects.get().status == Checkpoint.Status.NEW
    assert called == [tiny.pk, tiny.pk]


def test_what_is_tried_again_is_told_with_its_reason(tiny, settings) -> None:
    rows.completions(tiny, 2)
    runs.claim(tiny, owner="gone", rows=2)
    settings.GENERATION_STALE_SECONDS = -1

    runs.take_back(Completion.objects.all())

    far = requests.progress(rows.BATCH)
    ((reason, number),) = far.troubles
    assert (number, far.failed, far.errors) == (2, 0, ())
    assert reason.startswith("Begun at least")
