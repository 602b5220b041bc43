"""A server's completions through the worker's own task: rows, reasons, keys, stops."""

import fcntl
import time
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from generation import calling, requests, runs, tasks
from generation.endpoint import rate
from generation.endpoint.address import Endpoint
from generation.models import Checkpoint, Completion, Hold
from studies.models import Study
from tests.endpoint_server import Script, answer, refuse, serving, slow
from tests.factories import ArmFactory, StudyFactory, draft_study
from tests.generation import rows

pytestmark = pytest.mark.django_db
KEY = "sk-canary-5f1d0c7e"


@pytest.fixture
def server() -> Iterator[Script]:
    rate._storage.cache_clear()
    with serving() as script:
        yield script


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    heard: list[int] = []
    monkeypatch.setattr(tasks.generate, "apply_async", lambda args, **_: heard.append(*args))
    return heard


@pytest.fixture
def small(server, settings, tmp_path, monkeypatch, called) -> Checkpoint:
    settings.DATA_DIR = tmp_path
    settings.GENERATION_ENDPOINTS = ["loopback"]
    monkeypatch.setenv("EVENHAND_ENDPOINT_KEY", KEY)
    return requests.ensure_endpoint(Endpoint(server.url, "small"))


def statuses() -> list[tuple[str, int]]:
    return list(Completion.objects.order_by("pk").values_list("status", "attempts"))


def test_task_writes_what_the_server_answers(small, called) -> None:
    rows.completions(small, 5)

    tasks.generate(small.pk)

    small.refresh_from_db()
    assert (small.status, small.error) == ("ready", "")
    assert small.facts == {"reported_model": "small-2024-08-06", "system_fingerprint": "fp_44709d6fcb"}
    completion = Completion.objects.first()
    assert (completion.text, completion.token_count, completion.finish_reason) == ("olleH", 5, "stop")
    assert statuses() == [("done", 1)] * 5
    assert called == []


def test_endpoint_is_one_row_however_often_it_is_asked_for(small) -> None:
    again = requests.ensure_endpoint(Endpoint.from_dict(small.endpoint))

    assert again == small
    assert small.called == Endpoint.from_dict(small.endpoint)


def test_server_that_cannot_be_used_says_why_in_its_row_and_loses_no_completion(
    small, server, called
) -> None:
    rows.completions(small, 5)
    server.default = refuse(401, "Incorrect API key")

    tasks.generate(small.pk)

    small.refresh_from_db()
    assert small.status == "failed"
    assert "does not accept the key in EVENHAND_ENDPOINT_KEY" in small.error
    assert statuses() == [("pending", 0)] * 5
    assert called == []
    assert requests.progress(rows.BATCH).stage == f"{small.name}: {small.error}"


def test_what_was_answered_before_is_kept(small, server) -> None:
    rows.completions(small, 5)
    server.behaviours = [server.default] * 4
    server.default = refuse(403)

    tasks.generate(small.pk)

    assert [status for status, _ in statuses()].count("done") >= 1
    assert {status for status, _ in statuses()} == {"done", "pending"}


def test_retry_lets_a_failed_endpoint_be_called_anew(small, server) -> None:
    rows.completions(small, 2)
    good, server.default = server.default, refuse(401)
    tasks.generate(small.pk)
    server.default = good

    requests.retry_failed(rows.BATCH)
    small.refresh_from_db()
    tasks.generate(small.pk)

    assert small.status == "new"
    assert statuses() == [("done", 1)] * 2


def test_server_without_its_key_is_not_called(small, server, monkeypatch) -> None:
    rows.completions(small, 1)
    monkeypatch.delenv("EVENHAND_ENDPOINT_KEY")

    tasks.generate(small.pk)

    small.refresh_from_db()
    assert small.error.startswith("EVENHAND_ENDPOINT_KEY is not set where this worker runs")
    assert server.calls == []


def test_server_that_the_operator_does_not_list_is_not_called(small, server, settings) -> None:
    rows.completions(small, 1)
    settings.GENERATION_ENDPOINTS = ["https://models.example"]

    tasks.generate(small.pk)

    small.refresh_from_db()
    assert "EVENHAND_ENDPOINTS, where the worker runs, lists https://models.example" in small.error
    assert server.calls == []


def test_failing_endpoint_leaves_other_arms_alone(small, server, called) -> None:
    other = requests.ensure_endpoint(Endpoint(server.url, "other"))
    rows.completions(small, 2)
    rows.completions(other, 2)
    good = server.default

    def one_of_them(handler, call) -> None:
        (refuse(404) if call.body["model"] == "small" else good)(handler, call)

    server.default = one_of_them

    tasks.generate(small.pk)
    tasks.generate(other.pk)
    tasks.sweep()

    assert set(Completion.objects.values_list("checkpoint__status", "status")) == {
        ("failed", "pending"),
        ("ready", "done"),
    }
    assert called == []


def test_two_processes_of_a_machine_do_not_call_one_address_at_once(small, server, settings, called) -> None:
    rows.completions(small, 1)
    with calling._alone(small.called):
        tasks.generate(small.pk)

        assert (statuses(), called) == ([("pending", 0)], [])
    tasks.generate(small.pk)

    assert statuses() == [("done", 1)]


def test_lock_of_an_address_is_the_kernels_and_so_dies_with_its_process(small, settings) -> None:
    with calling._alone(small.called):
        (file,) = (settings.DATA_DIR / "endpoints").iterdir()
        with file.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_stop_gives_back_what_is_being_asked_for(small, server, called) -> None:
    server.default = slow(30)
    rows.completions(small, 3)

    def stop() -> None:
        if server.calls:
            raise runs.Stopped

    with pytest.raises(runs.Stopped):
        calling.write(small, seconds=60, check=stop)

    assert statuses() == [("pending", 0)] * 3


def test_pause_reaches_what_is_being_asked_for(small, server, settings) -> None:
    settings.GENERATION_HEARTBEAT_SECONDS = 0
    server.default = slow(30)
    rows.completions(small, 3)
    began = time.monotonic()

    def pause() -> None:
        if server.calls:
            Hold.objects.get_or_create(batch_key=rows.BATCH)

    calling.write(small, seconds=60, check=pause)

    assert statuses() == [("pending", 0)] * 3
    assert time.monotonic() - began < 20


def test_task_hands_over_when_its_time_is_up(small, called, settings) -> None:
    settings.GENERATION_TASK_SECONDS = 0
    rows.completions(small, 1)

    tasks.generate(small.pk)

    assert called == [small.pk]


def test_command_writes_and_says_why_it_cannot(small, server, capsys) -> None:
    study = StudyFactory(slug="ocean")
    rows.completions(small, 2, batch_key=study.key)
    writes, server.default = server.default, refuse(404)

    with pytest.raises(CommandError, match="it knows no model “small”"):
        call_command("generate", "ocean")
    server.default = writes
    call_command("generate", "ocean")

    assert capsys.readouterr().out.endswith("done 2, failed 0, with other workers 0\n")


def test_verification_says_what_cannot_be_written_again(small, server, capsys) -> None:
    study = StudyFactory(slug="ocean")
    rows.completions(small, 2, batch_key=study.key)
    call_command("generate", "ocean")
    capsys.readouterr()

    call_command("generate", "ocean", "--verify")

    told = capsys.readouterr().out
    assert told == f"2 by {small.name} cannot be written again here, so they are not verified\n"
    assert len(server.calls) == 2


def test_key_that_a_server_repeats_reaches_neither_row_nor_page(small, server, dashboard, caplog) -> None:
    caplog.set_level("DEBUG")
    study = draft_study(slug="ocean", prompts=1)
    ArmFactory(study=study, name="served", position=2, checkpoint=small)
    Study.objects.update(status="generating")
    rows.completions(small, 2, batch_key=study.key)
    server.behaviours = [answer(f"The key is {KEY}")]
    server.default = refuse(401, f"Incorrect key: {KEY}")

    tasks.generate(small.pk)

    page = dashboard.get("/studies/ocean/").content.decode()
    small.refresh_from_db()
    kept = [*Completion.objects.values(), *Checkpoint.objects.values()]
    assert "Incorrect key: [key]" in small.error
    assert "Incorrect key: [key]" in page
    assert "The key is [key]" in {one.get("text") for one in kept}
    assert KEY not in page + caplog.text + repr(kept)
