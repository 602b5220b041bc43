"""One call of a server: the key goes into its header and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import openai

from generation.endpoint.address import Endpoint
from generation.endpoint.faults import Fault, answered, unanswered
from generation.endpoint.protocol import Answer, body_of, read_answer
from generation.spec import CompletionRequest

_MOST_BYTES = 8 * 2**20
_LEAST_SECRET = 8
"""Shorter keys are placeholders such as EMPTY, which an innocent text may hold."""
_SENT = {"accept", "connection", "content-length", "content-type", "host", "user-agent"}
_HIDDEN = "[key]"


@dataclass(frozen=True, slots=True)
class Called:
    """An answer, and what is known of the call that brought it."""

    answer: Answer
    request_id: str
    seconds: float
    sampling: dict[str, Any]


class Client:
    """Calls one server without retrying. Lives in one event loop; close it there."""

    def __init__(self, endpoint: Endpoint, *, key: str) -> None:
        self._endpoint, self._key = endpoint, key
        self._http = httpx.AsyncClient(
            # Followed, a redirect would leave the addresses that the operator permits.
            follow_redirects=False,
            timeout=endpoint.timeout_seconds,
            event_hooks={"request": [self._send_no_more], "response": [_bound]},
        )
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=endpoint.base_url,
            http_client=self._http,
            max_retries=0,
            timeout=endpoint.timeout_seconds,
        )

    async def ask(self, request: CompletionRequest) -> Called:
        """Return the answer to a request; raise `Fault`, whose reason is free of the key."""
        try:
            return await self._ask(request)
        except Fault as fault:
            said = fault
        # Raised anew, so that nothing that hangs on the first one can repeat the key.
        raise Fault(said.helps, self.clean(said.reason, least=1), wait=said.wait)

    async def _ask(self, request: CompletionRequest) -> Called:
        path, body = body_of(request, self._endpoint)
        began = time.perf_counter()
        try:
            # Of the whole call; the client's own time-out is for each piece of the answer.
            async with asyncio.timeout(self._endpoint.timeout_seconds):
                response = await self._client.post(path, body=body, cast_to=httpx.Response)
        except openai.APIStatusError as error:
            raise answered(error, self._endpoint, plain=not request.messages) from None
        except (openai.APIConnectionError, TimeoutError) as error:
            raise unanswered(error, self._endpoint) from None
        seconds = time.perf_counter() - began
        sampling = {name: body[name] for name in body if name not in ("model", "messages", "prompt")}
        request_id = response.headers.get("x-request-id", "")
        return Called(read_answer(response.content), request_id, seconds, sampling)

    def clean(self, said: str, *, least: int = _LEAST_SECRET) -> str:
        """Return a server's words without the key, should it have repeated that."""
        return said.replace(self._key, _HIDDEN) if len(self._key) >= least else said

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send_no_more(self, request: httpx.Request) -> None:
        """Send neither what other variables of the environment add nor a description of this machine."""
        kept = _SENT | {"authorization"} if self._key else _SENT
        for name in set(request.headers) - kept:
            del request.headers[name]


async def _bound(response: httpx.Response) -> None:
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Bounded(response.stream)


class _Bounded(httpx.AsyncByteStream):
    """A response's body that ends in an error when it is larger than any completion."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > _MOST_BYTES:
                message = f"the answer is larger than {_MOST_BYTES // 2**20} MB"
                raise httpx.ReadError(message)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
