"""How fast annotators are served: next + submit cycles, by real HTTP clients at a real site.

    .venv/bin/python benchmarks/annotation.py served|embedded [--runs N] [--clients N]

``served`` is gunicorn with a PostgreSQL of its own, ``embedded`` gunicorn with SQLite, both as shipped.
A cycle is what an annotator waits for: the answer is posted, and the next comparison is there in full.
Each run is a fresh study of 60 comparisons of two 150-word responses, k = 3, judged until it is full by
clients that do not think. They share the machine's cores with the site and the database.
Loopback only; everything stops by itself.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.annotation_client import Browser  # noqa: E402 - found by the line above
from benchmarks.processor import Meter, own_seconds, postgres_pid, tree_seconds  # noqa: E402
from tests import services_kit  # noqa: E402
from tests.site_kit import Site, running_site  # noqa: E402

COMPARISONS, WORDS, OVERLAP = 60, 150, 3


@contextmanager
def site_of(mode: str) -> Iterator[Site]:
    """Start a site in ``mode`` on data of its own."""
    if mode == "embedded":
        with running_site() as site:
            yield site
        return
    with (
        services_kit.postgres() as server,
        services_kit.database(server) as url,
        running_site({"DATABASE_URL": url}) as site,
    ):
        yield site


def meter_of(site: Site) -> Meter:
    """Measure the site, its database if that is a server, and the clients in this process."""
    parts = {"site": lambda: tree_seconds(site.process.pid if site.process else 0)}
    if url := site.environment.get("DATABASE_URL"):
        database = postgres_pid(url)
        parts["database"] = lambda: tree_seconds(database)
    return Meter(parts | {"clients": own_seconds})


def judge(url: str, invite: str, start: threading.Barrier) -> list[float]:
    """Take part until nothing is left; return how long each cycle took."""
    browser, cycles = Browser(url, f"/s/{invite}/"), []
    browser.open()
    start.wait()
    while browser.comparison:
        began = time.perf_counter()
        browser.answer(lambda offered: offered[-1])
        cycles.append(time.perf_counter() - began)
    browser.close()
    return cycles


def measured(site: Site, clients: int) -> tuple[float, list[float], str]:
    """Fill one fresh study; return cycles per second, their seconds, and the cores' part."""
    study = site.seed(
        "tests.site_seed:open_study",
        comparisons=COMPARISONS,
        words=WORDS,
        overlap=OVERLAP,
        quota=COMPARISONS,
    )
    start = threading.Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as pool:
        done = [pool.submit(judge, site.url, study["invite"], start) for _ in range(clients)]
        start.wait()
        began, meter = time.perf_counter(), meter_of(site)
        cycles = [seconds for each in done for seconds in each.result()]
        took = time.perf_counter() - began
        used = meter.per(len(cycles))
    tally = site.seed("tests.site_seed:tally", slug=study["slug"])
    if tally["per_comparison"] != [OVERLAP] * COMPARISONS:
        raise SystemExit(f"the study is not filled exactly: {tally['per_comparison']}")
    return len(cycles) / took, cycles, used


def p95(seconds: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(seconds, n=20)[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["served", "embedded"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    rates, tails = [], []
    with site_of(given.mode) as site:
        for number in range(given.runs):
            load = os.getloadavg()[0]
            rate, cycles, used = measured(site, given.clients)
            rates.append(rate)
            tails.append(p95(cycles))
            print(
                f"run {number + 1}: {rate:.0f} cycles/s, median {statistics.median(cycles) * 1e3:.0f} ms, "
                f"p95 {tails[-1] * 1e3:.0f} ms, {used}  (load before: {load:.1f})",
                flush=True,
            )
    print(
        f"{given.mode}, {given.clients} clients: median of {given.runs} runs {statistics.median(rates):.0f} "
        f"cycles/s, p95 {statistics.median(tails) * 1e3:.0f} ms; {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
