import contextlib
import os
import socket
import subprocess
import sys
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from generation import holding, presence, runs
from generation.models import Completion
from generation.owners import new_owner, owner_is_gone
from generation.spec import Failed, FinishReason, Generated
from tests.generation import rows
from tests.generation.fakes import FakeGenerator

pytestmark = pytest.mark.django_db
Status = Completion.Status


@pytest.fixture
def tiny():
    return rows.checkpoint()


def statuses() -> Counter:
    return Counter(Completion.objects.values_list("status", flat=True))


def generated(key: int, text: str = "Hi") -> Generated:
    return Generated(key, text, (1, 2), FinishReason.STOP, 3, 10.0, 0.5, {"engine": "test"})


def grow_silent(**filters) -> None:
    Completion.objects.filter(**filters).update(heartbeat_at=timezone.now() - timedelta(hours=1))


def test_claim_takes_the_oldest_that_fit(tiny) -> None:
    first, second, third = rows.completions(tiny, 3)

    claimed = runs.claim(tiny, owner="me", rows=2)

    assert [completion.pk for completion in claimed] == [first.pk, second.pk]
    third.refresh_from_db()
    assert third.status == Status.PENDING


def test_a_guided_completion_counts_two_rows(tiny) -> None:
    rows.completions(tiny, 4, guided=True)

    assert len(runs.claim(tiny, owner="me", rows=5)) == 2


def test_claims_exclude_one_another(tiny) -> None:
    rows.completions(tiny, 5)

    mine = runs.claim(tiny, owner="me", rows=3)
    yours = runs.claim(tiny, owner="you", rows=3)

    assert [len(mine), len(yours)] == [3, 2]
    assert not {completion.pk for completion in mine} & {completion.pk for completion in yours}


def test_claim_leaves_other_checkpoints_and_batches_alone(tiny) -> None:
    rows.completions(rows.checkpoint("other"), 1)
    rows.completions(tiny, 1, batch_key=uuid.UUID(int=2))
    (wanted,) = rows.completions(tiny, 1)

    claimed = runs.claim(tiny, owner="me", rows=9, batch_key=rows.BATCH)

    assert [completion.pk for completion in claimed] == [wanted.pk]


def test_claim_needs_the_same_few_queries_for_one_and_for_three(tiny, django_assert_num_queries) -> None:
    for count in (1, 3):
        rows.completions(tiny, count)
        with django_assert_num_queries(8):  # savepoint twice, owners, alone, give up, held, select, update
            assert len(runs.claim(tiny, owner=new_owner(), rows=count)) == count


def test_silent_claims_are_taken_back(tiny) -> None:
    rows.completions(tiny, 2)
    runs.claim(tiny, owner="gone", rows=2)
    grow_silent()

    claimed = runs.claim(tiny, owner="me", rows=9)

    assert [(completion.attempts, completion.claimed_by) for completion in Completion.objects.all()] == (
        [(2, "me")] * 2
    )
    assert len(claimed) == 2


def test_claims_of_a_dead_process_of_this_machine_are_taken_back_at_once(tiny) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    rows.completions(tiny, 1)
    runs.claim(tiny, owner=f"{socket.gethostname()}:{ended.pid}:123", rows=1)

    assert len(runs.claim(tiny, owner="me", rows=1)) == 1


def test_claims_of_the_living_and_of_other_machines_stay(tiny) -> None:
    rows.completions(tiny, 2)
    runs.claim(tiny, owner=new_owner(), rows=1)
    runs.claim(tiny, owner="elsewhere:1:1", rows=1)

    assert runs.claim(tiny, owner="me", rows=9) == []


def test_another_process_of_the_same_id_is_not_the_owner() -> None:
    assert owner_is_gone(new_owner()) is False
    assert owner_is_gone(f"{socket.gethostname()}:{os.getpid()}:1") is True


def test_a_completion_begun_too_often_fails_with_a_reason(tiny, settings) -> None:
    settings.GENERATION_ATTEMPTS = 2
    rows.completions(tiny, 1)
    for owner in ("first", "second"):
        assert len(runs.claim(tiny, owner=owner, rows=1)) == 1
        grow_silent()

    assert runs.claim(tiny, owner="third", rows=1) == []
    completion = Completion.objects.get()
    assert completion.status == Status.FAILED
    assert completion.error.startswith("Begun at least 2 times and never finished, at last alone")


def test_only_the_completion_that_kills_workers_fails(tiny, settings) -> None:
    settings.GENERATION_ATTEMPTS = 3
    poison = rows.completions(tiny, 40)[17].pk
    deaths = 0
    for turn in range(100):
        claimed = runs.claim(tiny, owner=f"worker-{turn}", rows=16)
        if not claimed:
            break
        if poison in {completion.pk for completion in claimed}:
            deaths += 1
            grow_silent(claimed_by=f"worker-{turn}")
            continue
        for completion in claimed:
            runs.record(generated(completion.pk), owner=f"worker-{turn}")

    assert statuses() == {Status.DONE: 39, Status.FAILED: 1}
    assert Completion.objects.get(status=Status.FAILED).pk == poison
    # 16 rows, then 4, then alone: the third time it is alone and has been begun often enough.
    assert deaths == 3


def test_suspects_are_joined_by_nobody_and_join_nobody(tiny) -> None:
    rows.completions(tiny, 3)
    runs.claim(tiny, owner="dead", rows=2)
    grow_silent()

    fresh = runs.claim(tiny, owner="me", rows=8)
    beside = runs.claim(tiny, owner="me", rows=8)
    suspects = runs.claim(tiny, owner="you", rows=8)
    rows.completions(tiny, 1)
    late = runs.claim(tiny, owner="you", rows=8)

    assert [len(taken) for taken in (fresh, beside, suspects, late)] == [1, 0, 2, 0]


def test_what_was_left_unfinished_is_taken_with_fewer_others(tiny) -> None:
    rows.completions(tiny, 8)
    sizes = []
    for owner in ("first", "second", "third"):
        sizes.append(len(runs.claim(tiny, owner=owner, rows=8)))
        grow_silent(claimed_by=owner)

    # The second takes a quarter, and the third starts with others that were begun only once.
    assert sizes == [8, 2, 2]


def test_record_writes_exactly_once(tiny) -> None:
    rows.completions(tiny, 1)
    (claimed,) = runs.claim(tiny, owner="me", rows=1)

    first = runs.record(generated(claimed.pk, "first"), owner="me")
    second = runs.record(generated(claimed.pk, "second"), owner="me")

    completion = Completion.objects.get()
    assert (first, second) == (True, False)
    assert (completion.text, completion.status, completion.token_count) == ("first", Status.DONE, 2)
    assert completion.finished_at >= completion.claimed_at


def test_record_stores_a_text_that_every_database_can_hold(tiny) -> None:
    # The services suite found it: PostgreSQL refuses NUL, which a byte-level vocabulary can write.
    rows.completions(tiny, 1)
    (claimed,) = runs.claim(tiny, owner="me", rows=1)

    runs.record(generated(claimed.pk, "a\0b"), owner="me")

    assert Completion.objects.get().text == "a\N{REPLACEMENT CHARACTER}b"


def test_record_by_somebody_who_lost_the_claim_changes_nothing(tiny) -> None:
    rows.completions(tiny, 1)
    (claimed,) = runs.claim(tiny, owner="slow", rows=1)
    grow_silent()
    runs.claim(tiny, owner="quick", rows=1)

    assert runs.record(generated(claimed.pk), owner="slow") is False
    assert runs.fail(Failed(claimed.pk, "no"), owner="slow") is False
    assert Completion.objects.get().claimed_by == "quick"


def test_record_survives_a_clock_that_was_set_back(tiny) -> None:
    rows.completions(tiny, 1)
    (claimed,) = runs.claim(tiny, owner="me", rows=1)
    Completion.objects.update(claimed_at=timezone.now() + timedelta(hours=1))

    assert runs.record(generated(claimed.pk), owner="me") is True


def test_release_gives_back_as_if_never_begun(tiny) -> None:
    rows.completions(tiny, 2)
    runs.claim(tiny, owner="me", rows=2)

    assert runs.release(owner="me") == 2
    assert set(Completion.objects.values_list("status", "claimed_by", "attempts", "tokens_so_far")) == {
        ("pending", "", 0, 0)
    }


def test_heartbeat_tells_tokens_in_one_query_and_only_of_its_own(tiny, django_assert_num_queries) -> None:
    rows.completions(tiny, 4)
    mine = runs.claim(tiny, owner="me", rows=3)
    (yours,) = runs.claim(tiny, owner="you", rows=1)
    grow_silent()

    with django_assert_num_queries(1):
        runs.heartbeat({mine[0].pk: 5, mine[1].pk: 7, yours.pk: 9}, owner="me")

    told = Completion.objects.order_by("pk").values_list("tokens_so_far", flat=True)
    assert list(told) == [5, 7, 0, 0]
    recent = Completion.objects.filter(heartbeat_at__gt=timezone.now() - timedelta(minutes=1))
    assert set(recent.values_list("claimed_by", flat=True)) == {"me"}


def test_run_writes_everything(tiny) -> None:
    rows.completions(tiny, 11)

    tally = runs.run(tiny, FakeGenerator(rows=4), seconds=60)

    assert tally == runs.Tally(done=11)
    assert statuses() == {Status.DONE: 11}
    assert set(Completion.objects.values_list("text", flat=True)) == {"olleH"}


def test_run_records_failures_with_their_reason(tiny) -> None:
    (completion,) = rows.completions(tiny, 1)
    Completion.objects.update(request=completion.request | {"messages": [], "text": "refuse me"})

    assert runs.run(tiny, FakeGenerator(), seconds=60) == runs.Tally(failed=1)
    assert Completion.objects.get().error == "refused"


def test_run_claims_nothing_new_when_time_is_up(tiny) -> None:
    rows.completions(tiny, 3)

    assert runs.run(tiny, FakeGenerator(), seconds=0) == runs.Tally()
    assert statuses() == {Status.PENDING: 3}


@pytest.mark.parametrize("stop", [runs.Stopped, KeyboardInterrupt])
def test_run_that_is_stopped_keeps_what_is_done_and_gives_back_the_rest(tiny, stop) -> None:
    rows.completions(tiny, 4)

    def check() -> None:
        if Completion.objects.filter(status=Status.DONE).count() == 2:
            raise stop

    with pytest.raises(stop):
        runs.run(tiny, FakeGenerator(), seconds=60, check=check)

    assert statuses() == {Status.DONE: 2, Status.PENDING: 2}
    assert Completion.objects.filter(status=Status.PENDING, attempts=0).count() == 2


class BrokenGenerator:
    def generate(self, fetch, _beat):
        fetch(8)
        message = "shapes cannot be multiplied"
        raise RuntimeError(message)
        yield


def test_generator_that_breaks_uses_up_attempts_and_then_fails(tiny, settings) -> None:
    settings.GENERATION_ATTEMPTS = 2
    rows.completions(tiny, 1)

    for expected in (Status.PENDING, Status.FAILED):
        with pytest.raises(RuntimeError):
            runs.run(tiny, BrokenGenerator(), seconds=60)
        assert statuses() == {expected: 1}

    assert Completion.objects.get().error == (
        "The generator broke: RuntimeError: shapes cannot be multiplied"
    )


def test_run_counts_what_another_took_over(tiny) -> None:
    rows.completions(tiny, 1)
    checks = iter(range(100))

    def lose() -> None:
        # After the first sign of life, so that it shows only when the text is to be recorded.
        if next(checks) == 3:
            Completion.objects.filter(status=Status.CLAIMED).update(claimed_by="another")

    assert runs.run(tiny, FakeGenerator(), seconds=60, check=lose) == runs.Tally(lost=1)
    assert Completion.objects.get().claimed_by == "another"


def test_run_stops_writing_what_nobody_wants_any_more(tiny, settings) -> None:
    settings.GENERATION_HEARTBEAT_SECONDS = 0
    rows.completions(tiny, 3)
    generator = FakeGenerator()

    def pause() -> None:
        if generator.steps == 2:
            holding.pause(rows.BATCH)

    assert runs.run(tiny, generator, seconds=60, check=pause) == runs.Tally()
    # It noticed at its next sign of life, not when the text was whole.
    assert generator.steps == 2
    assert set(Completion.objects.values_list("status", "attempts")) == {("pending", 0)}


def test_a_pause_that_a_claim_overlooked_is_noticed_at_the_next_sign_of_life(tiny, settings) -> None:
    settings.GENERATION_HEARTBEAT_SECONDS = 0
    rows.completions(tiny, 2)
    generator = FakeGenerator()

    def hold() -> None:
        # As if the claim's transaction had begun before the pause and ended after it.
        if generator.steps == 2:
            holding.Hold.objects.get_or_create(batch_key=rows.BATCH)

    assert runs.run(tiny, generator, seconds=60, check=hold) == runs.Tally()
    assert set(Completion.objects.values_list("status", "attempts")) == {("pending", 0)}


def test_other_batches_go_on_when_one_is_paused(tiny, settings) -> None:
    settings.GENERATION_HEARTBEAT_SECONDS = 0
    rows.completions(tiny, 2)
    other = uuid.UUID(int=2)
    rows.completions(tiny, 3, batch_key=other)
    generator = FakeGenerator(rows=2)

    def pause() -> None:
        if generator.steps == 2:
            holding.pause(rows.BATCH)

    assert runs.run(tiny, generator, seconds=60, check=pause) == runs.Tally(done=3)
    assert set(Completion.objects.filter(status=Status.DONE).values_list("batch_key", flat=True)) == {other}


def test_run_tells_what_is_in_flight(tiny, settings) -> None:
    settings.GENERATION_HEARTBEAT_SECONDS = 0
    rows.completions(tiny, 1, guided=True)
    told: list[presence.Load] = []

    runs.run(tiny, FakeGenerator(), seconds=60, tell=told.append)

    # Five steps; at the first no token is there yet. A guided completion takes two rows.
    assert [(load.rows, load.reading) for load in told] == [(2, True), *[(2, False)] * 4]
    assert told[-1].speed > 0


def test_generator_that_breaks_for_one_completion_fails_that_one_alone(tiny, settings) -> None:
    settings.GENERATION_ATTEMPTS = 2
    rows.completions(tiny, 6)
    poison = Completion.objects.order_by("pk")[3]
    for _ in range(10):
        with contextlib.suppress(runs.BrokenError):
            runs.run(tiny, FussyGenerator(poison.pk), seconds=60)

    assert statuses() == {Status.DONE: 5, Status.FAILED: 1}
    assert Completion.objects.get(status=Status.FAILED).pk == poison.pk
    assert set(Completion.objects.filter(status=Status.DONE).values_list("error", flat=True)) == {""}


class FussyGenerator(FakeGenerator):
    """Breaks when it is given one completion, whatever else it has in hand."""

    def __init__(self, poison: int) -> None:
        super().__init__()
        self._poison = poison

    def generate(self, fetch, beat):
        def checked(number: int):
            requests = fetch(number)
            if self._poison in {request.key for request in requests}:
                message = "shapes cannot be multiplied"
                raise ValueError(message)
            return requests

        yield from super().generate(checked, beat)
