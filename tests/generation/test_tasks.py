import os
import socket
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from django.db import OperationalError
from django.utils import timezone

from generation import holding, owners, preparing, presence, requests, runs, tasks
from generation.models import Checkpoint, Completion, Worker
from generation.owners import new_owner
from tests.generation import rows

pytestmark = pytest.mark.django_db
Status = Checkpoint.Status


@pytest.fixture
def tiny(tiny_folder: Path, settings, tmp_path: Path):
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    return rows.checkpoint(source=f"path:{tiny_folder}")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    heard: list[tuple[int, float | None]] = []
    monkeypatch.setattr(
        tasks.generate, "apply_async", lambda args, *, expires=None, **_: heard.append((*args, expires))
    )
    return heard


def test_task_prepares_loads_and_writes(tiny, called) -> None:
    rows.completions(tiny, 3)

    tasks.generate(tiny.pk)

    tiny.refresh_from_db()
    assert (tiny.status, tiny.stage, tiny.facts["architecture"]) == (Status.READY, "", "LlamaForCausalLM")
    assert set(Completion.objects.values_list("status", flat=True)) == {"done"}
    hashes = {completion.provenance["weight_hash"] for completion in Completion.objects.all()}
    assert hashes == {tiny.weight_hash}
    assert called == []


def test_checkpoint_stays_loaded_between_tasks(tiny, called) -> None:
    first = preparing.ready_engine(tiny)

    assert preparing.ready_engine(tiny) is first


def test_task_without_work_loads_nothing(tiny, called) -> None:
    tasks.generate(tiny.pk)

    tiny.refresh_from_db()
    assert tiny.status == Status.NEW


def test_task_hands_over_when_its_time_is_up(tiny, called, settings) -> None:
    settings.GENERATION_TASK_SECONDS = 0
    rows.completions(tiny, 1)

    tasks.generate(tiny.pk)

    assert called == [(tiny.pk, settings.GENERATION_SWEEP_SECONDS)]


def test_checkpoint_that_cannot_be_prepared_says_why_in_its_row(called) -> None:
    broken = rows.checkpoint()
    rows.completions(broken, 1)

    tasks.generate(broken.pk)

    broken.refresh_from_db()
    assert broken.status == Status.FAILED
    assert broken.error.startswith("/nowhere holds no checkpoint")
    assert Completion.objects.get().status == "pending"


def test_checkpoint_is_prepared_by_one_at_a_time(tiny) -> None:
    parent = f"{socket.gethostname()[:64]}:{os.getppid()}:{owners._born(os.getppid())}"
    preparing._hold(tiny.pk, parent, "Expanding the weights")

    with pytest.raises(preparing.NotReadyError, match="is being prepared by another worker"):
        preparing.ready_engine(tiny)


@pytest.mark.parametrize("owner", ["dead here", "silent elsewhere", "interrupted itself"])
def test_preparing_that_was_abandoned_is_taken_over(tiny, owner: str) -> None:
    here = new_owner().rpartition(":")[0]
    facts = {
        "dead here": {"owner": f"{here}:1", "seen": timezone.now().isoformat()},
        "interrupted itself": {"owner": new_owner(), "seen": timezone.now().isoformat()},
        "silent elsewhere": {
            "owner": "elsewhere:1:1",
            "seen": (timezone.now() - timedelta(hours=1)).isoformat(),
        },
    }
    Checkpoint.objects.update(status=Status.PREPARING, facts=facts[owner])

    preparing.ready_engine(tiny)

    tiny.refresh_from_db()
    assert tiny.status == Status.READY


def test_stop_while_preparing_leaves_the_checkpoint_new(tiny, called, monkeypatch) -> None:
    rows.completions(tiny, 1)

    def stop(_: str) -> None:
        raise runs.Stopped

    with pytest.raises(runs.Stopped):
        preparing.ready_engine(tiny, say=stop)

    tiny.refresh_from_db()
    assert tiny.status == Status.NEW


def test_a_checkpoint_bigger_than_memory_fails_with_the_numbers(tiny, called, monkeypatch) -> None:
    monkeypatch.setattr("generation.engine.memory._free", lambda: 1000)

    with pytest.raises(preparing.NotReadyError):
        preparing.ready_engine(tiny)

    tiny.refresh_from_db()
    assert tiny.status == Status.FAILED
    assert "parameters; as 32-bit floats, with a tenth to work in, it needs" in tiny.error
    assert requests.progress(rows.BATCH).stage == ""
    rows.completions(tiny, 1)
    assert requests.progress(rows.BATCH).stage == f"tiny: {tiny.error}"


def test_what_is_ready_elsewhere_says_that_it_does_not_fit_here_until_it_does(
    tiny, called, monkeypatch
) -> None:
    preparing.ready_engine(tiny)
    preparing._loaded.clear()
    Checkpoint.objects.update(facts={"parameters": 1})
    with monkeypatch.context() as small:
        small.setattr("generation.engine.memory._free", lambda: 1000)
        with pytest.raises(preparing.NotReadyError, match="is free: take a smaller checkpoint"):
            preparing.ready_engine(tiny)
    tiny.refresh_from_db()
    short = (tiny.status, "is free: take a smaller checkpoint" in tiny.error)

    preparing.ready_engine(tiny)

    tiny.refresh_from_db()
    assert short == (Status.READY, True)
    assert (tiny.status, tiny.error, tiny.facts["context"]) == (Status.READY, "", 256)


def test_other_weights_under_the_same_name_are_refused(tiny, called) -> None:
    Checkpoint.objects.update(status=Status.READY, weight_hash="f" * 64)

    with pytest.raises(preparing.NotReadyError, match="not those that it was prepared with"):
        preparing.ready_engine(tiny)


def test_worker_that_is_asked_to_stop_gives_back_its_claims_and_signs_off(tiny, called) -> None:
    rows.completions(tiny, 2)
    preparing.ready_engine(tiny)
    tasks.ask_to_stop()
    try:
        tasks.generate(tiny.pk)
    finally:
        tasks._stop[0] = 0

    assert set(Completion.objects.values_list("status", "attempts")) == {("pending", 0)}
    assert called == []
    assert presence.workers() == []


def test_every_idle_worker_is_called_so_that_they_share(tiny, called) -> None:
    now = timezone.now()
    for name, state in (("one", "idle"), ("two", "idle"), ("three", "writing")):
        Worker.objects.create(name=name, seen_at=now, state=state)

    tasks.call_workers(tiny.pk)
    Worker.objects.update(state="writing")
    tasks.call_workers(tiny.pk)

    assert [pk for pk, _ in called] == [tiny.pk] * (2 + 1)


def test_workers_that_were_sent_away_are_called_once_the_checkpoint_is_prepared(tiny, called) -> None:
    rows.completions(tiny, 1)
    Worker.objects.create(name="sent away", seen_at=timezone.now(), state="idle")

    tasks.generate(tiny.pk)
    rows.completions(tiny, 1)
    tasks.generate(tiny.pk)

    assert [pk for pk, _ in called] == [tiny.pk]


def test_sweep_calls_for_pending_and_stale_work_only(called, settings) -> None:
    pending, stale, done, working = (
        rows.checkpoint(name) for name in ("pending", "stale", "done", "working")
    )
    rows.completions(pending, 2)
    for busy, owner in ((stale, "elsewhere:1:1"), (working, new_owner())):
        rows.completions(busy, 1)
        runs.claim(busy, owner=owner, rows=1)
    Completion.objects.filter(checkpoint=stale).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    rows.completions(done, 1)
    Completion.objects.filter(checkpoint=done).update(status="failed", error="no")

    tasks.sweep()

    expires = settings.GENERATION_SWEEP_SECONDS
    assert called == [(pending.pk, expires), (stale.pk, expires)]


def test_sweep_leaves_failed_checkpoints_alone_unless_told(called) -> None:
    broken = rows.checkpoint(status=Status.FAILED, error="no disk")
    rows.completions(broken, 1)

    tasks.sweep()
    assert called == []

    tasks.sweep(also_failed=True)
    assert [pk for pk, _ in called] == [broken.pk]


def test_a_paused_batch_calls_nobody(called) -> None:
    held = rows.checkpoint()
    rows.completions(held, 2)
    holding.pause(rows.BATCH)

    tasks.sweep()

    assert (called, tasks.waiting(held)) == ([], False)


def test_database_that_goes_away_while_preparing_does_not_spoil_the_checkpoint(tiny, monkeypatch) -> None:
    rows.completions(tiny, 1)

    def vanish(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(preparing, "_record", vanish)
    with pytest.raises(OperationalError):
        preparing.ready_engine(tiny)
    monkeypatch.setattr(preparing, "_engine", vanish)
    with pytest.raises(OperationalError):
        preparing.ready_engine(tiny)

    tiny.refresh_from_db()
    assert tiny.status == Status.NEW


def test_task_says_what_it_has_done_and_keeps_the_checkpoint_loaded(tiny, called) -> None:
    rows.completions(tiny, 2)

    tasks.generate(tiny.pk)

    (seen,) = presence.workers()
    assert (seen.name, seen.state, seen.checkpoint, seen.device, seen.rows) == (
        "here",
        "idle",
        "tiny",
        "CPU",
        0,
    )


def test_generator_that_breaks_calls_for_another_task(tiny, called, monkeypatch, settings) -> None:
    rows.completions(tiny, 1)

    class Broken:
        loaded = SimpleNamespace(device=torch.device("cpu"))

        def generate(self, fetch, _beat):
            fetch(8)
            raise ValueError
            yield

    monkeypatch.setattr(preparing, "ready_engine", lambda _: Broken())
    with pytest.raises(runs.BrokenError):
        tasks.generate(tiny.pk)

    assert called == [(tiny.pk, settings.GENERATION_SWEEP_SECONDS)]
    assert presence.workers()[0].state == "idle"
