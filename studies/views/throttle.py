"""How often one address may miss a link, enter a study, or ask for a code.

The limits are for programs that guess or hoard. Many honest people share an address (a laboratory, a
lecture hall, a network behind one router), so what honest people do has limits that a full hall
does not reach, and whoever is known to the site is counted by their own cookie.
"""

from __future__ import annotations

from django.http import HttpRequest

from studies.domain.limits import address_of, use


def spend(name: str, request: HttpRequest, who: str = "") -> int:
    """Count one use of the limit ``name``; return the seconds to wait, 0 when there is room.

    Counted by ``who`` if it is given, such as the secret of a browser that is known, else by the address.
    """
    return use(name, who or client_address(request)).wait


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from, as the trusted proxies tell it; of IPv6 the network."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return address_of(forwarded=forwarded, remote=str(request.META.get("REMOTE_ADDR", "")))
