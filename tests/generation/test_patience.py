"""A database that is away, full or busy is waited for: shown on a real SQLite that is really full."""

from collections.abc import Iterator

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from generation import patience, runs
from generation.models import Completion
from generation.patience import forgivingly, patiently
from generation.spec import FinishReason, Generated
from tests.generation import rows
from tests.generation.fakes import FakeGenerator

LONG = "word " * 20_000


class Wordy(FakeGenerator):
    """Writes more than a database that is full can take."""

    def _write(self, request, beat) -> Generated:
        beat({request.key: 1})
        return Generated(request.key, LONG, (1,), FinishReason.LENGTH, 1, 1.0, 0.1)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator["Disk"]:
    made = Disk()
    monkeypatch.setattr(patience.time, "sleep", made.wait)
    yield made
    made.limit(2**30)


class Disk:
    """Lets SQLite refuse to grow, as on a full disk, until it has been waited for a few times.

    The page limit is SQLite's own, and so is the error: the code of ENOSPC, “database or disk is full”.
    """

    def __init__(self) -> None:
        self.waits_until_room = 3
        self.waits = 0

    def limit(self, pages: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {pages}")

    def fill(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # no page that was used before is free
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
        self.limit(pages)

    def wait(self, _seconds: float) -> None:
        self.waits += 1
        if self.waits == self.waits_until_room:
            self.limit(2**30)


@pytest.mark.django_db(transaction=True)
def test_what_was_written_while_the_disk_was_full_is_recorded_when_there_is_room(disk) -> None:
    tiny = rows.checkpoint()
    rows.completions(tiny, 2)
    disk.fill()

    tally = runs.run(tiny, Wordy(), seconds=60)

    assert (tally, disk.waits) == (runs.Tally(done=2), 3)
    # Neither was begun anew: the texts were kept until they could be stored.
    assert set(Completion.objects.values_list("status", "attempts", "text")) == {("done", 1, LONG)}


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_stays_full_fails_nothing_and_the_next_run_goes_on(disk, settings) -> None:
    tiny = rows.checkpoint()
    rows.completions(tiny, 2)
    disk.waits_until_room = 10**9
    disk.fill()

    settings.GENERATION_STALE_SECONDS = 0.2
    with pytest.raises(OperationalError, match="database or disk is full"):
        runs.run(tiny, Wordy(), seconds=60)
    left = set(Completion.objects.values_list("status", "attempts", "error"))
    settings.GENERATION_STALE_SECONDS = 60
    disk.limit(2**30)

    assert left == {("pending", 0, "")}
    assert runs.run(tiny, Wordy(), seconds=60) == runs.Tally(done=2)


def counting(*failures: Exception):
    left = list(failures)

    def act() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return act


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_comes_back_is_asked_again(error) -> None:
    checks: list[None] = []

    answer = patiently(counting(error(), error()), check=lambda: checks.append(None))

    assert (answer, len(checks)) == ("done", 2)


@pytest.mark.django_db(transaction=True)
def test_later_attempts_may_differ_from_the_first() -> None:
    assert patiently(counting(OperationalError()), again=lambda: "again", check=lambda: None) == "again"


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_when_the_worker_is_asked_to_stop() -> None:
    def stop() -> None:
        raise runs.Stopped

    with pytest.raises(runs.Stopped):
        patiently(counting(OperationalError()), check=stop)


@pytest.mark.django_db
def test_nothing_is_tried_again_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(OperationalError):
        patiently(counting(OperationalError()), check=lambda: None)
    with transaction.atomic(), pytest.raises(OperationalError):
        forgivingly(counting(OperationalError()))


@pytest.mark.django_db(transaction=True)
def test_a_sign_of_life_may_be_left_out_but_mistakes_are_not_hidden() -> None:
    forgivingly(counting(OperationalError()))

    with pytest.raises(ValueError, match="mistake"):
        forgivingly(counting(ValueError("mistake")))


@pytest.mark.django_db(transaction=True)
def test_a_claim_whose_answer_was_lost_is_not_kept_from_others(monkeypatch) -> None:
    tiny = rows.checkpoint()
    rows.completions(tiny, 4)
    claims = iter([True])
    real = runs.claim

    def claim(*args, **options):
        claimed = real(*args, **options)
        if next(claims, False):
            # Committed, and then the connection dropped.
            raise OperationalError
        return claimed

    monkeypatch.setattr(runs, "claim", claim)

    assert runs.run(tiny, FakeGenerator(rows=2), seconds=60) == runs.Tally(done=4)
    assert set(Completion.objects.values_list("status", "attempts")) == {("done", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_record_whose_answer_was_lost_counts_as_done(monkeypatch) -> None:
    tiny = rows.checkpoint()
    rows.completions(tiny, 1)
    answers = iter([True])
    real = runs.record

    def record(*args, **options):
        kept = real(*args, **options)
        if next(answers, False):
            raise OperationalError
        return kept

    monkeypatch.setattr(runs, "record", record)

    assert runs.run(tiny, FakeGenerator(), seconds=60) == runs.Tally(done=1)
