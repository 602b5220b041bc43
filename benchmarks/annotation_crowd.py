"""Whether the plan holds when a crowd judges, some vanish, and the site is killed twice meanwhile.

    .venv/bin/python benchmarks/annotation_crowd.py [ANNOTATORS] [COMPARISONS]

Served mode. All follow the link in one moment, and think 1 to 3 seconds over the consent, over the
instructions and over each comparison; one in ten vanishes with a comparison on the screen. All of
gunicorn is ended with SIGKILL twice and started again; a browser that finds no site sends the same form
again, as the page does. When the vanished ones' leases of one minute have run out, a few latecomers judge
the rest. Then it is counted: judgments over and under k, doubled ones, and acknowledged answers that
are not in the database.
"""

import os
import signal
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.annotation import OVERLAP, WORDS, p95, site_of  # noqa: E402 - found by the line above
from benchmarks.annotation_client import Browser  # noqa: E402
from benchmarks.processor import Meter, own_seconds, postgres_pid, tree_seconds  # noqa: E402
from tests.site_kit import Site  # noqa: E402

LEASE_SECONDS, LATECOMERS, KILLS, QUIET_SECONDS = 60, 4, 2, 10


@dataclass
class Crowd:
    """Who judges at which study, and what the site told them was saved."""

    site: Site
    invite: str
    saved: set[str] = field(default_factory=set)
    cycles: list[tuple[float, float]] = field(default_factory=list)
    """When each began, and how long it took."""
    _ended: float = 0.0
    """Seconds of processor that the killed ones had used."""

    def meter(self) -> Meter:
        """Measure the site, whichever of its processes did the work, its database, and these clients."""
        database = postgres_pid(self.site.environment["DATABASE_URL"])
        return Meter(
            {
                "site": lambda: self._ended + tree_seconds(self.site.process.pid),
                "database": lambda: tree_seconds(database),
                "clients": own_seconds,
            }
        )

    def kill_and_restart(self) -> None:
        """End gunicorn and its servers without warning, and start it again."""
        process = self.site.process
        self._ended += tree_seconds(process.pid)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for each in (process.pid, *map(int, children)):
            os.kill(each, signal.SIGKILL)
        process.wait()
        self.site.start()

    def take_part(self, number: int, *, vanishing: bool, think: tuple[float, float]) -> None:
        """Judge until nothing is left, or vanish."""
        draw = np.random.default_rng(number)
        browser = Browser(self.site.url, f"/s/{self.invite}/")
        browser.open(lambda: time.sleep(draw.uniform(*think)))
        left = int(draw.integers(1, 5)) if vanishing else -1
        while browser.comparison and left:
            time.sleep(draw.uniform(*think))
            began = time.monotonic()
            self.saved.add(browser.answer(lambda offered: offered[int(draw.integers(len(offered)))]))
            self.cycles.append((began, time.monotonic() - began))
            left -= 1
        browser.close()


def stored(*, slug: str) -> list[str]:
    """Return the keys of all answers in the database. Called inside the site."""
    from studies.models import Judgment  # noqa: PLC0415 - Django is set up there

    return [
        str(key)
        for key in Judgment.objects.filter(assignment__study__slug=slug).values_list("key", flat=True)
    ]


def main() -> None:
    """Let the crowd in, kill, count."""
    people, comparisons = [*map(int, sys.argv[1:3]), *(200, 500)[len(sys.argv) - 1 :]]
    with site_of("served") as site:
        study = site.seed(
            "tests.site_seed:open_study",
            comparisons=comparisons,
            words=WORDS,
            overlap=OVERLAP,
            quota=comparisons,
            lease_minutes=1,
        )
        crowd, restarts = Crowd(site, study["invite"]), []
        load = os.getloadavg()[0]
        with ThreadPoolExecutor(people) as pool:
            began, meter = time.monotonic(), crowd.meter()
            parts = [
                pool.submit(crowd.take_part, number, vanishing=number % 10 == 0, think=(1, 3))
                for number in range(people)
            ]
            for share in range(1, KILLS + 1):
                while len(crowd.saved) < share * comparisons * OVERLAP // (KILLS + 1):
                    time.sleep(0.1)
                killed = time.monotonic()
                crowd.kill_and_restart()
                restarts.append((killed, time.monotonic() + QUIET_SECONDS))
            for part in parts:
                part.result()
            took = time.monotonic() - began
            used = meter.per(len(crowd.cycles))
        time.sleep(LEASE_SECONDS + 1)
        late = [
            threading.Thread(
                target=crowd.take_part, args=(people + n,), kwargs={"vanishing": False, "think": (0, 0)}
            )
            for n in range(LATECOMERS)
        ]
        for thread in late:
            thread.start()
        for thread in late:
            thread.join()
        report(crowd, study["slug"], comparisons, restarts)
        print(f"{people} annotators, {comparisons} comparisons, {took:.0f} s; load before {load:.1f}")
        print(f"{used}, arrivals and starts included")


def report(crowd: Crowd, slug: str, comparisons: int, restarts: list[tuple[float, float]]) -> None:
    """Print what the study holds and how long the cycles took."""
    tally = crowd.site.seed("tests.site_seed:tally", slug=slug)
    keys = crowd.site.seed("benchmarks.annotation_crowd:stored", slug=slug)
    filled = tally["per_comparison"] + [0] * (comparisons - len(tally["per_comparison"]))
    calm = [took for began, took in crowd.cycles if not any(low - 2 < began < high for low, high in restarts)]
    print(
        f"over {sum(n > OVERLAP for n in filled)}, under {sum(n < OVERLAP for n in filled)}, "
        f"doubled {tally['annotator_twice_on_one'] + len(keys) - len(set(keys))}, "
        f"acknowledged and lost {len(crowd.saved - set(keys))} of {len(crowd.saved)}"
    )
    print(
        f"cycle: median {statistics.median(calm) * 1e3:.0f} ms, p95 {p95(calm) * 1e3:.0f} ms while the site "
        f"was up; p95 {p95([took for _, took in crowd.cycles]) * 1e3:.0f} ms with the restarts"
    )


if __name__ == "__main__":
    main()
