"""Real Celery workers, killed at many moments, on both run modes' databases and brokers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generation.engine import Engine
from tests import services_kit
from tests.generation import rows, worker_site
from tests.generation.worker_site import Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

PROMPTS, ARMS, REPLICATES = 10, 2, 2
TOTAL = PROMPTS * ARMS * REPLICATES


@pytest.fixture(params=["sqlite and files", "postgresql and redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path, tiny_folder: Path) -> Iterator[Site]:
    environment = worker_site.environment(tmp_path, EVENHAND_ATTEMPTS="50")
    if request.param == "sqlite and files":
        made = Site(tmp_path, environment, lambda: worker_site.empty(tmp_path / "broker" / "queue"))
        made.seed(tiny_folder, PROMPTS, ARMS, REPLICATES)
        yield made
        return
    url = request.getfixturevalue("redis_url")
    with services_kit.database(request.getfixturevalue("postgres_url")) as database:
        environment |= {"DATABASE_URL": database, "REDIS_URL": url}
        made = Site(tmp_path, environment, lambda: worker_site.flush(url))
        made.seed(tiny_folder, PROMPTS, ARMS, REPLICATES)
        yield made


def count(report: dict, status: str) -> int:
    return sum(kind == status for kind, _ in report["kinds"])


def test_every_completion_is_written_once_however_often_the_worker_is_killed(
    site: Site, llama_engine
) -> None:
    with site.watched() as look:
        moments: list[Callable[[dict], bool]] = [
            lambda far: far["stage"] != "new",
            lambda far: count(far, "claimed") > 0,
            lambda far: count(far, "done") > 2,
            lambda far: count(far, "done") > TOTAL // 2,
        ]
        for moment in moments:
            site.lose_messages()
            with site.worker():
                site.wait(lambda moment=moment: moment(look()))
        killed = look()
        with site.worker():
            site.wait(lambda: count(look(), "done") == TOTAL)
        written = look("texts")

    # The worker died with work in its hands, or the test would show nothing.
    assert count(killed, "done") < TOTAL
    assert max(attempts for _, attempts in written["kinds"]) > 1
    # Oracle: the same requests in one run that nobody disturbs.
    assert sorted(written["texts"]) == sorted(undisturbed(llama_engine))


def undisturbed(engine: Engine) -> list[list]:
    wanted = rows.grid(PROMPTS, ARMS, REPLICATES)
    places = list(wanted)
    batches = [[replace(request, key=key) for key, request in enumerate(wanted.values())]]
    results = engine.generate(lambda _: batches.pop() if batches else [], lambda _: None)
    return [[*places[result.key], list(result.token_ids)] for result in results]


def test_worker_that_is_asked_to_end_gives_back_what_it_holds(site: Site) -> None:
    with site.watched() as look, site.worker() as worker:
        site.wait(lambda: count(look(), "claimed") > 0)
        worker.terminate()
        worker.wait(worker_site.PATIENCE)
        left = look()

    assert worker.returncode == 0
    assert count(left, "claimed") == 0
    assert {attempts for kind, attempts in left["kinds"] if kind == "pending"} == {0}
    assert left["workers"] == 0
