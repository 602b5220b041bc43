"""Counting how often somebody does something, against limits that the settings name."""

from __future__ import annotations

import ipaddress
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

_IPV6_PREFIX = 64
"""One household or laboratory has at least so many addresses of its own."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """What one use leaves of the tightest limit."""

    limit: int = 0
    """How many uses there are in a window; 0 when nothing is limited."""
    left: int = 0
    reset: int = 0
    """Seconds until there is room again."""
    wait: int = 0
    """Seconds to wait before anything is done; 0 when there is room."""


def use(name: str, who: str, *, count: bool = True) -> Use:
    """Count one use of the limit ``name`` by ``who``, or only look how things stand."""
    tightest = Use()
    for limit in _limits(name):
        try:
            found = _one(limit, name, who, count=count)
        except StorageError:
            # A limit is no reason to keep people from a study whose Redis is away.
            _log.warning("No answer from the store of the rate limits; “%s” is not limited.", name)
            continue
        if found.wait:
            return found
        if not tightest.limit or found.left < tightest.left:
            tightest = found
    return tightest


def _one(limit: RateLimitItem, name: str, who: str, *, count: bool) -> Use:
    ask = _limiter().hit if count else _limiter().test
    room = ask(limit, name, who)
    stats = _limiter().get_window_stats(limit, name, who)
    reset = max(1, ceil(stats.reset_time - time.time()))
    return Use(limit.amount, max(0, stats.remaining), reset, 0 if room else reset)


def _limits(name: str) -> list[RateLimitItem]:
    said = settings.RATE_LIMITS.get(name, "")
    return parse_many(said) if said else []


@lru_cache(maxsize=1)
def _limiter() -> SlidingWindowCounterRateLimiter:
    # Made at the first use, since a server is forked after it is loaded.
    return SlidingWindowCounterRateLimiter(
        storage_from_string(settings.RATE_LIMITS_STORE, wrap_exceptions=True)
    )


def forget() -> None:
    """Begin to count anew, by the settings as they are: for tests."""
    _limiter.cache_clear()


def address_of(*, forwarded: str, remote: str) -> str:
    """Return where a request comes from, as the trusted proxies tell it; of IPv6 the network."""
    told = [part.strip() for part in forwarded.split(",")]
    hops = settings.PROXIES
    raw = told[-hops] if 0 < hops <= len(told) else remote
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return remote
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)
