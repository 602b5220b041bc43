"""How writing speeds up with workers: one, two and four on one study, on PostgreSQL and Redis.

Two generators. `waiting` spends a step asleep, as a process does whose GPU computes, so it shows what the
platform itself costs: claims, records, signs of life, messages. `computing` is the real engine with a tiny
model on one thread each, so it is bounded by the cores of the machine.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import services_kit
from tests.generation import tiny, worker_site
from tests.generation.worker_site import Site

COUNTS = (1, 2, 4)
SIZES = {"waiting": 120, "computing": 30}
APPS = {"waiting": "tests.generation.fake_worker", "computing": "config"}
COUNT = """
for line in sys.stdin:
    completions = Completion.objects.all()
    times = [t for t in completions.filter(status="done").values_list("claimed_at", "finished_at")]
    report = {"done": len(times), "seen": Worker.objects.filter(owner__gt="").count()}
    if times:
        report["seconds"] = (max(t[1] for t in times) - min(t[0] for t in times)).total_seconds()
    places = completions.values_list("prompt_key", "arm_key", "replicate")
    report["doubled"] = len(places) - len(set(places))
    print(json.dumps(report), flush=True)
"""


def main() -> None:
    """Print one JSON object with the machine and a row for each generator and number of workers."""
    rows = []
    with services_kit.postgres() as server, services_kit.redis() as broker:
        folder = tiny.save(Path(tempfile.mkdtemp(prefix="evenhand-tiny-")))
        for kind in APPS:
            first = 0.0
            for number in COUNTS:
                row = measure(kind, number, server=server, broker=broker, folder=folder)
                first = first or row["per_second"]
                row["speed_up"] = round(row["per_second"] / first, 2)
                rows.append(row)
                print(json.dumps(row), file=sys.stderr)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    print(json.dumps({"machine": machine, "rows": rows}, indent=1))


def measure(kind: str, number: int, *, server: str, broker: str, folder: Path) -> dict[str, float]:
    """Let ``number`` workers write one study, and time from the first claim to the last text."""
    with services_kit.database(server) as url, ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = worker_site.environment(
            data, DATABASE_URL=url, REDIS_URL=broker, FAKE_STEP_MS="10", EVENHAND_ROWS="24"
        )
        site = Site(data, environment, lambda: None)
        worker_site.flush(broker)
        # The workers are there first, so that their start is not measured.
        site.manage("migrate", "--verbosity", "0")
        for index in range(number):
            stack.enter_context(site.worker(f"w{index}", app=APPS[kind]))
        time.sleep(6)
        site.seed(folder, SIZES[kind], 2, 1)
        look = stack.enter_context(site.watched(COUNT))
        total = SIZES[kind] * 2
        site.wait(lambda: look()["done"] == total, patience=600)
        report = look()
        if report["doubled"] or report["done"] != total:
            message = f"{report} instead of {total} completions, each once"
            raise SystemExit(message)
        return {
            "generator": kind,
            "workers": number,
            "took_part": report["seen"],
            "completions": total,
            "seconds": round(report["seconds"], 2),
            "per_second": round(total / report["seconds"], 1),
        }


if __name__ == "__main__":
    main()
