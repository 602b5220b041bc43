"""A Celery application like the real one, whose workers write without a model.

`celery -A tests.generation.fake_worker worker`. Everything but the generator is Evenhand's own. A step
takes `FAKE_STEP_MS`; prompts that say so kill the process or break the generator, whoever else is in flight,
or are not finished before the file `FAKE_GATE` is there. With `FAKE_LONG` texts are longer than a page of a
database, and cannot be compressed.
"""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import django
from celery.signals import celeryd_init

django.setup()

from config.celery import app  # noqa: E402 - Django is set up first
from generation import preparing  # noqa: E402
from generation.spec import (  # noqa: E402
    Beat,
    CompletionRequest,
    Failed,
    Fetch,
    FinishReason,
    Generated,
)

KILLS = "kill the worker"
BREAKS = "break the generator"
WAITS = "wait for the gate"
__all__ = ["app"]


def written(request: CompletionRequest) -> str:
    """Return what the generator writes: a function of the request alone."""
    noise = request.noise
    return f"{noise.prompt}/{noise.stream}/{noise.replicate}"


def at_length(text: str) -> str:
    """Return a text drawn out, as `FAKE_LONG` has it written."""
    return f"{text} {hashlib.shake_256(text.encode()).hexdigest(10_000)}"


def _held(request: CompletionRequest) -> bool:
    return request.text == WAITS and not Path(os.environ["FAKE_GATE"]).exists()


class SteppingGenerator:
    """Writes its rows together, a letter of each a step, and takes more whenever rows are free."""

    def __init__(self, rows: int, step_seconds: float) -> None:
        self.rows = rows
        self._step = step_seconds

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        flights: dict[int, CompletionRequest] = {}
        tokens: dict[int, int] = {}
        while True:
            room = self.rows - sum(2 if one.spec.guided else 1 for one in flights.values())
            for request in fetch(room) if room > 0 else ():
                flights[request.key], tokens[request.key] = request, 0
            if not flights:
                return
            self._mind(flights)
            time.sleep(self._step)
            for key, request in list(flights.items()):
                tokens[key] += 1
                if tokens[key] >= request.spec.max_new_tokens and not _held(request):
                    del flights[key]
                    yield self._result(request, tokens.pop(key))
            beat(dict(tokens))

    def _mind(self, flights: dict[int, CompletionRequest]) -> None:
        said = {request.text for request in flights.values()}
        if KILLS in said:
            os.kill(os.getpid(), signal.SIGKILL)
        if BREAKS in said:
            message = "shapes cannot be multiplied"
            raise RuntimeError(message)

    def _result(self, request: CompletionRequest, count: int) -> Generated:
        text = written(request)
        return Generated(
            key=request.key,
            text=at_length(text) if os.environ.get("FAKE_LONG") else text,
            token_ids=tuple(range(count)),
            finish_reason=FinishReason.LENGTH,
            prompt_tokens=1,
            forward_flops=1.0,
            seconds=0.1,
            provenance={"engine": "fake"},
        )


def _ready(_checkpoint: object, **_: object) -> SteppingGenerator:
    return SteppingGenerator(int(os.environ["EVENHAND_ROWS"]), int(os.environ["FAKE_STEP_MS"]) / 1000)


@celeryd_init.connect
def _write_without_a_model(**_: object) -> None:
    """Neither prepare nor load the checkpoint, so that a worker starts in a second.

    Only where a worker starts: tests that merely import this module keep the real engine.
    """
    preparing.ready_engine = _ready  # type: ignore[assignment]
    preparing.device_name = lambda _: "fake"  # type: ignore[assignment]


if os.environ.get("FAKE_REDELIVERY"):
    # The worst that a broker can be told: a task counts as lost as long as it runs.
    app.conf.task_acks_late = True
    app.conf.broker_transport_options = {"visibility_timeout": 1}
