"""Where a webhook may be: what the operator lists, and https:// outside private networks.

A researcher writes the address, and the site calls it from where it stands, perhaps behind a firewall.
So a name is resolved here, every address that it has is looked at, and that one is called: a name that
answers differently a moment later changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from generation.endpoint.address import normal_url, permitted
from studies.domain.errors import StudyError

PUBLIC = "public"
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]+", re.ASCII)
_MOST = 500
# IPv6 networks that carry an IPv4 address inside, which may be a private one.
_CARRIERS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
_PORTS = {"http": 80, "https": 443}


class RefusedError(Exception):
    """An address that must not be called; the message says why and who can allow it."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to call an address: by number, so that nobody resolves its name again."""

    url: str
    host: str
    """What the Host header says."""
    name: str
    """What the certificate has to be for."""


def check_url(text: str, allowed: Sequence[str]) -> str:
    """Return a webhook's address in its normal form; raise `StudyError` when it will not do."""
    base, mark, query = text.strip().partition("?")
    try:
        url = normal_url(base)
    except ValueError as error:
        raise StudyError(_("The address {problem}.").format(problem=str(error))) from None
    if mark and not _QUERY.fullmatch(query):
        raise StudyError(
            _("What stands after the question mark of the address has characters of no address.")
        )
    whole = f"{url}{mark}{query}"
    if len(whole) > _MOST:
        raise StudyError(_("The address is longer than {most} characters.").format(most=_MOST))
    try:
        _require(url, allowed)
    except RefusedError as error:
        raise StudyError(str(error)) from None
    return whole


def _require(url: str, allowed: Sequence[str]) -> bool:
    """Raise unless the address may be called; return whether it has to be a public one."""
    if permitted(url, allowed):
        return False
    parts = urlsplit(url)
    if PUBLIC not in allowed:
        raise RefusedError(_refusal(_("EVENHAND_WEBHOOKS does not list it")))
    if parts.scheme != "https":
        raise RefusedError(_refusal(_("it does not begin with https://")))
    host = parts.hostname or ""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        # Names that resolve on one's own network only.
        if "." not in host or host.endswith((".localhost", ".local", ".internal")):
            raise RefusedError(_refusal(_("it is an address of a private network"))) from None
        return True
    if not is_public(number):
        raise RefusedError(_refusal(_("it is an address of a private network")))
    return True


def _refusal(why: str) -> str:
    return _(
        "This address may not be called: {why}. Whoever runs the site can add it to EVENHAND_WEBHOOKS."
    ).format(why=why)


def is_public(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the public internet, and none that hides a private one."""
    if isinstance(number, ipaddress.IPv6Address):
        if number.ipv4_mapped is not None:
            return is_public(number.ipv4_mapped)
        if any(number in network for network in _CARRIERS):
            return False
    return number.is_global and not number.is_multicast


async def way_to(url: str, allowed: Sequence[str]) -> Way:
    """Resolve an address and return how to call it; raise `RefusedError` when it must not be called."""
    base = url.partition("?")[0]
    public = _require(base, allowed)
    parts = urlsplit(url)
    name, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    numbers = [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_rest, place in found]
    if public and not all(map(is_public, numbers)):
        raise RefusedError(_refusal(_("its name stands for an address of a private network")))
    number = numbers[0]
    shown = f"[{number}]" if number.version == 6 else str(number)  # noqa: PLR2004 - the protocol's number
    target = parts._replace(netloc=f"{shown}:{port}").geturl()
    return Way(url=target, host=parts.netloc, name=name)
