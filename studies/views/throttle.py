"""How often one address may miss a link, enter a study, or ask for a code.

The limits are for programs that guess or hoard. Many honest people share an address (a laboratory, a
lecture hall, a network behind one router), so what honest people do has limits that a full hall
does not reach, and whoever is known to the site is counted by their own cookie.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from functools import lru_cache
from math import ceil

from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

_IPV6_PREFIX = 64
"""One household or laboratory has at least so many addresses of its own."""
_log = logging.getLogger(__name__)


def spend(name: str, request: HttpRequest, who: str = "") -> int:
    """Count one use of the limit ``name``; return the seconds to wait, 0 when there is room.

    Counted by ``who`` if it is given, such as the secret of a browser that is known, else by the address.
    """
    return _ask(name, who or client_address(request))


def _ask(name: str, who: str) -> int:
    for limit in _limits(name):
        try:
            if not _limiter().hit(limit, name, who):
                reset = _limiter().get_window_stats(limit, name, who).reset_time
                return max(1, ceil(reset - time.time()))
        except StorageError:
            # A limit is no reason to keep people from a study whose Redis is away.
            _log.warning("No answer from the store of the rate limits; “%s” is not limited.", name)
    return 0


def _limits(name: str) -> list[RateLimitItem]:
    said = settings.RATE_LIMITS[name]
    return parse_many(said) if said else []


@lru_cache(maxsize=1)
def _limiter() -> SlidingWindowCounterRateLimiter:
    # Made at the first use, since a server is forked after it is loaded.
    return SlidingWindowCounterRateLimiter(
        storage_from_string(settings.RATE_LIMITS_STORE, wrap_exceptions=True)
    )


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from, as the trusted proxies tell it; of IPv6 the network."""
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    hops = settings.PROXIES
    raw = told[-hops] if 0 < hops <= len(told) else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return str(request.META.get("REMOTE_ADDR", ""))
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)
