"""Which addresses a webhook may have, and which are called."""

import asyncio
import ipaddress
import socket

import pytest

from studies.domain.errors import StudyError
from studies.sending import addresses
from studies.sending.addresses import RefusedError, check_url, is_public, way_to

PUBLIC = ["public"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://example.org/hook", "https://example.org/hook"),
        (" HTTPS://Example.ORG:443/hook ", "https://example.org/hook"),
        ("https://example.org:8443/a/b?key=1&to=x", "https://example.org:8443/a/b?key=1&to=x"),
        ("https://[2606:4700::1]/hook", "https://[2606:4700::1]/hook"),
    ],
)
def test_public_https_addresses_will_do(said, kept):
    assert check_url(said, PUBLIC) == kept


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/hook", "does not begin with https"),
        ("https://localhost/hook", "private network"),
        ("https://127.0.0.1/hook", "private network"),
        ("https://10.1.2.3/hook", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::1]/hook", "private network"),
        ("https://[::ffff:10.0.0.1]/hook", "private network|no base URL"),
        ("https://[64:ff9b::a00:1]/hook", "private network"),
        ("https://printer.local/hook", "private network"),
        ("https://intranet/hook", "private network"),
        ("https://user:word@example.org/hook", "no base URL"),
        ("https://example.org/hook#part", "no base URL"),
        ("https://example.org/../hook", "no base URL"),
        ("ftp://example.org/hook", "no base URL"),
        ("https://example.org/hook?a b", "after the question mark"),
        ("https://example.org/" + "a" * 500, "longer than"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url, why):
    with pytest.raises(StudyError, match=why):
        check_url(url, PUBLIC)


def test_the_operator_may_allow_what_is_private_and_nothing_beside_it():
    allowed = ["http://10.1.2.3:8080/hooks", "loopback"]

    assert check_url("http://10.1.2.3:8080/hooks/study", allowed)
    assert check_url("http://127.0.0.1:9/x", allowed)
    for url in ("http://10.1.2.3:8080/other", "https://example.org/hook"):
        with pytest.raises(StudyError, match="EVENHAND_WEBHOOKS"):
            check_url(url, allowed)


def test_none_allows_nothing():
    with pytest.raises(StudyError, match="does not list it"):
        check_url("https://example.org/hook", ["none"])


@pytest.mark.parametrize(
    "number",
    [
        *("100.64.0.1", "192.168.1.1", "224.0.0.1", "255.255.255.255", "fe80::1", "fc00::1", "::"),
        *("2002:a00:1::", "2001:0:1::", "::ffff:127.0.0.1"),
    ],
)
def test_special_addresses_are_not_public(number):
    assert not is_public(ipaddress.ip_address(number))


def resolved(monkeypatch, *numbers):
    """Let every name stand for ``numbers``, as a name server of an attacker would."""

    async def answer(_loop, _name, port, **_how):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answer)


def test_a_public_name_that_stands_for_a_private_address_is_not_called(monkeypatch):
    resolved(monkeypatch, "93.184.216.34", "10.0.0.1")

    with pytest.raises(RefusedError, match="its name stands for"):
        asyncio.run(way_to("https://rebinding.example.org/hook", PUBLIC))


def test_what_was_looked_at_is_what_is_called(monkeypatch):
    resolved(monkeypatch, "93.184.216.34")

    way = asyncio.run(way_to("https://example.org/hook?a=1", PUBLIC))

    assert way == addresses.Way("https://93.184.216.34:443/hook?a=1", "example.org", "example.org")
