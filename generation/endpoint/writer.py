"""A generator whose completions a server writes: several calls at once, tried again when that may help."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections import deque
from collections.abc import Iterator
from typing import Any

from generation.endpoint.address import Endpoint
from generation.endpoint.calls import Called, Client
from generation.endpoint.faults import Fault, Helps
from generation.endpoint.rate import Turns
from generation.spec import Beat, CompletionRequest, Failed, Fetch, Generated, Unavailable

TRIES = 6
"""Calls for one completion before it counts as failed."""
PATIENCE = 12
"""Calls in a row that may come to nothing before the server counts as away."""
LONGEST_WAIT = 60.0
"""Seconds that a server may ask to be left alone for; for more, a person should decide."""
_GLANCE_SECONDS = 0.2
_log = logging.getLogger(__name__)


class EndpointWriter:
    """Writes completions by calling a server. Holds no weights, so it is made anew for each run.

    Parameters
    ----------
    endpoint
        What to call. Whether that is permitted is checked before, by `address.require_permitted`.
    key
        The server's key; empty when it takes none.
    shared
        The URL of a Redis through which workers share the rate; empty when there is none.
    pause
        Seconds before the second try; each further pause is twice as long.
    """

    def __init__(self, endpoint: Endpoint, *, key: str, shared: str = "", pause: float = 1.0) -> None:
        self._endpoint, self._key, self._pause = endpoint, key, pause
        self._turns = Turns(endpoint.base_url, per_minute=endpoint.requests_per_minute, shared=shared)
        self._missed = 0
        self._quiet_until = 0.0

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        """Yield each completion as it is answered; raise `Unavailable` when the server cannot be used.

        ``fetch``, ``beat`` and whoever takes the results run between two glances at the event loop,
        never inside it, so that they may use a database.
        """
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            client = Client(self._endpoint, key=self._key)
            waiting: deque[CompletionRequest] = deque()
            calls: dict[asyncio.Task[Generated | Failed], int] = {}
            more = True
            try:
                while True:
                    free = self._endpoint.concurrency - len(calls) - len(waiting)
                    if more and free > 0:
                        fetched = fetch(free)
                        more = bool(fetched)
                        waiting.extend(fetched)
                    if not calls and not waiting:
                        return
                    beat(dict.fromkeys([*calls.values(), *(request.key for request in waiting)], 0))
                    runner.run(self._step(client, waiting, calls))
                    yield from _finished(calls)
            finally:
                runner.run(_end(client, calls))

    async def _step(
        self,
        client: Client,
        waiting: deque[CompletionRequest],
        calls: dict[asyncio.Task[Generated | Failed], int],
    ) -> None:
        """Begin what there is room for, and let what is under way go on for a moment."""
        while waiting and len(calls) < self._endpoint.concurrency:
            request = waiting.popleft()
            calls[asyncio.create_task(self._write(client, request))] = request.key
        await asyncio.wait(calls, timeout=_GLANCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def _write(self, client: Client, request: CompletionRequest) -> Generated | Failed:
        for attempt in range(1, TRIES + 1):
            await self._turn()
            try:
                called = await client.ask(request)
            except Fault as fault:
                self._judge(fault)
                if fault.helps is Helps.ANOTHER or attempt == TRIES:
                    return Failed(request.key, self._told(fault, attempt))
                await self._back_off(fault, request.key, attempt)
            else:
                self._missed = 0
                return self._generated(client, request.key, called, attempt)
        raise AssertionError

    async def _turn(self) -> None:
        """Wait until the server wants to be called again, and until it is this call's turn."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._quiet_until - now())
            await self._turns.next()
            if now() >= self._quiet_until:
                return

    def _judge(self, fault: Fault) -> None:
        """Raise `Unavailable` when it makes no sense to call on."""
        if fault.helps is Helps.PERSON:
            raise Unavailable(f"{self._endpoint.base_url}: {fault.reason}.")
        if fault.helps is Helps.ANOTHER:
            self._missed = 0
            return
        self._missed += 1
        if fault.wait is not None and fault.wait > LONGEST_WAIT:
            asked = f"it asks to be left alone for {fault.wait:.0f} s; retry after that"
            raise Unavailable(f"{self._endpoint.base_url}: {asked} ({fault.reason}).")
        if self._missed >= PATIENCE:
            often = f"{self._missed} calls in a row came to nothing; retry when it is back"
            raise Unavailable(f"{self._endpoint.base_url}: {often} ({fault.reason}).")

    async def _back_off(self, fault: Fault, key: int, attempt: int) -> None:
        _log.info("%s: completion %d, try %d: %s", self._endpoint.base_url, key, attempt, fault.reason)
        if fault.wait is not None:
            # What the server asks for concerns every call, not this one alone.
            until = asyncio.get_running_loop().time() + fault.wait
            self._quiet_until = max(self._quiet_until, until)
            return
        # The key's remainder keeps calls that failed together from coming back together.
        await asyncio.sleep(self._pause * 2 ** (attempt - 1) * (1 + key % 8 / 16))

    def _told(self, fault: Fault, attempt: int) -> str:
        tried = f" after {attempt} tries" if attempt > 1 else ""
        return f"{self._endpoint.model} at {self._endpoint.base_url} wrote nothing{tried}: {fault.reason}."

    def _generated(self, client: Client, key: int, called: Called, attempt: int) -> Generated:
        answer, usage = called.answer, called.answer.usage
        return Generated(
            key=key,
            text=client.clean(answer.text),
            token_ids=(),
            finish_reason=answer.finish_reason,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            forward_flops=0.0,
            seconds=called.seconds,
            provenance=self._provenance(client, called, attempt),
            token_count=(usage and usage.completion_tokens) or 0,
        )

    def _provenance(self, client: Client, called: Called, attempt: int) -> dict[str, Any]:
        """Return how it came about; without the key, whatever the server says."""
        answer = called.answer
        said = {
            "reported_model": answer.model,
            "system_fingerprint": answer.system_fingerprint,
            "response_id": answer.id,
            "request_id": called.request_id,
            "finish_said": answer.choices[0].finish_reason,
        }
        return {
            "engine": "endpoint",
            "base_url": self._endpoint.base_url,
            "model": self._endpoint.model,
            **{name: client.clean(value) for name, value in said.items() if value},
            "attempts": attempt,
            "sampling": called.sampling,
            "libraries": {"openai": importlib.metadata.version("openai")},
        }


def _finished(calls: dict[asyncio.Task[Generated | Failed], int]) -> Iterator[Generated | Failed]:
    """Yield what has been answered, before what failed for all is raised."""
    ended = sorted((call for call in calls if call.done()), key=lambda call: call.exception() is not None)
    for call in ended:
        del calls[call]
        yield call.result()


async def _end(client: Client, calls: dict[asyncio.Task[Generated | Failed], int]) -> None:
    """Break off what is still under way."""
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await client.close()
