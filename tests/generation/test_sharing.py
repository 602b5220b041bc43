"""What a worker leaves to others: a small study is shared, and nobody waits for one who does not come."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from generation import presence, runs, sharing
from generation.models import Checkpoint, Completion, Worker
from generation.sharing import Courtesy
from generation.spec import FinishReason, Generated
from tests.generation import rows

pytestmark = pytest.mark.django_db
Status = Completion.Status


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sharing, "time", made)
    return made


@pytest.fixture
def tiny() -> Checkpoint:
    return rows.checkpoint()


def see(name: str, state: str = "idle", **fields) -> None:
    Worker.objects.update_or_create(
        name=name, defaults={"owner": name, "seen_at": timezone.now(), "state": state} | fields
    )


def taken(courtesy: Courtesy, room: int = 96) -> int:
    return len(runs.claim(courtesy.checkpoint, owner=courtesy.owner, rows=room, courtesy=courtesy))


def test_a_worker_that_is_alone_takes_what_fits(tiny) -> None:
    rows.completions(tiny, 7)
    see("me", "reading", checkpoint="tiny")

    assert taken(Courtesy(tiny, "me"), 5) == 5


@pytest.mark.parametrize("state", ["idle", "loading", "reading"])
def test_workers_that_are_about_to_come_find_their_part(tiny, clock, state) -> None:
    rows.completions(tiny, 10)
    for name in ("second", "third"):
        see(name, state, checkpoint="tiny")

    # A third each, rounded up.
    assert [taken(Courtesy(tiny, name)) for name in ("me", "second", "third")] == [4, 4, 2]


def test_nothing_is_left_to_those_who_will_not_come(tiny, clock) -> None:
    rows.completions(tiny, 10)
    see("busy", "writing", checkpoint="another")
    see("silent", seen_at=timezone.now() - timedelta(minutes=2))
    see("dead", owner=presence.new_owner() + "0")

    assert taken(Courtesy(tiny, "me")) == 10


def test_who_has_taken_a_part_already_counts_and_is_waited_for_no_more(tiny, clock) -> None:
    rows.completions(tiny, 12)
    see("first", "writing", checkpoint="tiny")
    see("third")
    assert len(runs.claim(tiny, owner="first", rows=4)) == 4

    mine = Courtesy(tiny, "me")

    # Three parts of four; then the third takes its own, and nobody is left to be waited for.
    assert [taken(mine), taken(mine), taken(Courtesy(tiny, "third")), taken(mine)] == [4, 0, 4, 0]


@pytest.mark.parametrize(
    ("state", "patience"), [("idle", sharing.PATIENCE["idle"]), ("loading", sharing.PATIENCE_LOADING)]
)
def test_one_who_does_not_come_is_waited_for_only_so_long(tiny, clock, state, patience) -> None:
    rows.completions(tiny, 8)
    see("other", state, checkpoint="tiny")
    mine = Courtesy(tiny, "me")

    first = taken(mine)
    clock.now += patience - 0.1
    before = taken(mine)
    clock.now += 0.2

    assert (first, before, taken(mine)) == (4, 0, 4)


def test_work_that_comes_later_is_shared_anew(tiny, clock) -> None:
    rows.completions(tiny, 2)
    see("other")
    mine = Courtesy(tiny, "me")
    taken(mine)
    clock.now += 60
    assert [taken(mine), taken(mine)] == [1, 0]

    rows.completions(tiny, 8)

    # Of ten in all I hold two.
    assert taken(mine) == 3


def test_who_holds_nothing_may_always_take_something(tiny, clock) -> None:
    rows.completions(tiny, 1)
    for number in range(9):
        see(f"other-{number}")

    assert taken(Courtesy(tiny, "me")) == 1


def test_a_server_is_called_as_often_as_it_may_be(clock) -> None:
    served = rows.checkpoint("served", source="endpoint:http://127.0.0.1", endpoint={"base_url": "x"})
    rows.completions(served, 4)
    see("other")

    assert taken(Courtesy(served, "me")) == 4


def test_a_large_study_is_not_counted_to_its_end(tiny, clock, django_assert_num_queries) -> None:
    rows.completions(tiny, 30)
    see("other")

    # As without others, and three more: who there is, what they hold, whether enough is left for them.
    with django_assert_num_queries(8 + 3) as asked:
        assert taken(Courtesy(tiny, "me"), 4) == 4
    assert any("LIMIT 8" in query["sql"] for query in asked.captured_queries)


@dataclass
class Simulated:
    """A worker that writes each of its completions for as many turns as the completion is long."""

    courtesy: Courtesy
    room: int
    comes_at: int
    flights: dict[int, int] = field(default_factory=dict)

    def turn(self, turn: int, rng: np.random.Generator) -> None:
        if turn < self.comes_at:
            return
        name = self.courtesy.owner
        for key in [key for key, left in self.flights.items() if left == 0]:
            assert runs.record(Generated(key, "Hi", (1,), FinishReason.STOP, 1, 1.0, 0.1), owner=name)
            del self.flights[key]
        self.flights = {key: left - 1 for key, left in self.flights.items()}
        waiting = Completion.objects.filter(status=Status.PENDING).count()
        if len(self.flights) < self.room:
            chosen = runs.claim(
                self.courtesy.checkpoint,
                owner=name,
                rows=self.room - len(self.flights),
                courtesy=self.courtesy,
            )
            # Nobody is idle while something waits.
            assert chosen or self.flights or not waiting
            self.flights |= {one.pk: int(rng.integers(1, 6)) for one in chosen}
        see(name, "writing" if self.flights else "idle", checkpoint="tiny")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_left_lying_and_nothing_is_done_twice_whoever_comes(tiny, clock, seed) -> None:
    rng = np.random.default_rng(seed)
    total = int(rng.integers(1, 50))
    rows.completions(tiny, total)
    never = 10**6
    workers = [
        Simulated(
            Courtesy(tiny, f"worker-{number}"),
            room=int(rng.integers(2, 40)),
            comes_at=int(rng.choice([0, 0, rng.integers(0, 20), never])) if number else 0,
        )
        for number in range(int(rng.integers(1, 5)))
    ]
    for worker in workers:
        see(worker.courtesy.owner)
    turn = 0
    while Completion.objects.exclude(status=Status.DONE).exists():
        assert turn < 300
        for index in rng.permutation(len(workers)):
            workers[index].turn(turn, rng)
        free = all(worker.room > len(worker.flights) for worker in workers if worker.comes_at <= turn)
        if clock.now > 1000 + sharing.PATIENCE["idle"] + 1 and turn > 25:
            # Whoever did not come is waited for no more, so nothing waits while everybody has room.
            assert not (free and Completion.objects.filter(status=Status.PENDING).exists())
        turn += 1
        clock.now += 1.0

    assert set(Completion.objects.values_list("status", "attempts")) == {(Status.DONE, 1)}
