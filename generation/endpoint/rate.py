"""How often a server may be called: so many requests in any minute, whoever of us makes them."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import cache

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

_log = logging.getLogger(__name__)
_SHORTEST, _LONGEST, _AWAY = 0.02, 5.0, 1.0


class Turns:
    """Grants turns to call one address.

    Parameters
    ----------
    address
        What the rate is for.
    per_minute
        How many turns any minute has, at most.
    shared
        The URL of a Redis whose users share the rate; without one, this process counts for itself.
    """

    def __init__(self, address: str, *, per_minute: int, shared: str = "") -> None:
        self._address = address
        self._item = RateLimitItemPerMinute(per_minute, namespace="EVENHAND_ENDPOINT")
        self._limiter = MovingWindowRateLimiter(_storage(shared))

    async def next(self) -> None:
        """Return when it is this caller's turn."""
        while wait := self._wait():  # noqa: ASYNC110 - nobody could set an event: time frees a turn
            await asyncio.sleep(wait)

    def _wait(self) -> float:
        """Take a turn, or return for how many seconds to wait before asking again."""
        try:
            if self._limiter.hit(self._item, self._address):
                return 0.0
            frees = self._limiter.get_window_stats(self._item, self._address).reset_time
        except StorageError as error:
            _log.warning("the rate of calls cannot be looked up, so none is made: %s", error)
            return _AWAY
        return min(_LONGEST, max(_SHORTEST, frees - time.time()))


@cache
def _storage(shared: str) -> Storage:
    """Return the one storage that this process has for a place; it outlives a task."""
    if not shared:
        return MemoryStorage(wrap_exceptions=True)
    place = shared.replace("unix://", "redis+unix://", 1) if shared.startswith("unix://") else shared
    return RedisStorage(place, wrap_exceptions=True, socket_timeout=5, socket_connect_timeout=5)
