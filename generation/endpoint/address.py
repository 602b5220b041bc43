"""Which server answers for an arm, whether it may be called, and with which key."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from generation.spec import Unavailable

KEY_ENV = "EVENHAND_ENDPOINT_KEY"
"""The variable that holds a key, and how the name of every other such variable begins."""
NO_KEY = "none"
"""In the place of a variable's name: the server takes no key."""
LOOPBACK = "loopback"
"""In the list of permitted addresses: any port of this machine."""
OWN_FIELDS = frozenset(
    {"max_completion_tokens", "max_tokens", "messages", "model", "n", "prompt", "seed", "stop", "stream"}
    | {"stream_options", "temperature", "top_p"}
)
"""Fields of a request that Evenhand fills in itself, so that no extra field may."""
_KEY_ENV = re.compile(rf"{KEY_ENV}(_[A-Z0-9]+)*")
_SECRETIVE = re.compile(r"key|secret|(?:auth|access)_?token|password|authorization|bearer", re.IGNORECASE)
# One strict form rather than a parser's many: no user, no query, no percent signs, no dot segments.
_URL = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?((?:/[A-Za-z0-9_~-][\w.~-]*)*)/?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_SHOWN_MODEL, _SHOWN_HOST, _SHOWN_HASH = 50, 32, 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind a base URL, and how it is to be called. The key itself is never in here."""

    base_url: str
    model: str
    key_env: str = KEY_ENV
    requests_per_minute: int = 60
    concurrency: int = 4
    """Calls that may be under way at once."""
    timeout_seconds: int = 120
    length_field: str = "max_tokens"
    """What the server calls the length limit; some want max_completion_tokens."""
    seed: bool = True
    """Whether a seed is sent."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields beyond the protocol, sent as they are."""

    @property
    def name(self) -> str:
        """Return what its row is called: readable, and different when anything of it is."""
        said = json.dumps(asdict(self), sort_keys=True).encode()
        host = urlsplit(self.base_url).netloc
        digest = hashlib.sha256(said).hexdigest()[:_SHOWN_HASH]
        return f"{self.model[:_SHOWN_MODEL]} at {host[:_SHOWN_HOST]} ({digest})"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without what is as it would be anyway."""
        usual = asdict(Endpoint("", ""))
        mine = asdict(self) | {"extra": dict(sorted(self.extra.items()))}
        return {name: value for name, value in mine.items() if value != usual[name]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(**{known.name: data[known.name] for known in fields(cls) if known.name in data})


def normal_url(text: str) -> str:
    """Return a base URL in its one normal form; raise `ValueError` with a reason when it is none."""
    match = _URL.fullmatch(text)
    if match is None:
        message = (
            "is no base URL: write http:// or https://, a host, and the path that the server's documentation "
            "names, such as https://api.example.com/v1, without user name, query or fragment"
        )
        raise ValueError(message)
    scheme, host, port, path = match.groups()
    scheme, host = scheme.lower(), host.lower()
    number = int(port or _PORTS[scheme])
    if not 0 < number <= 65_535:  # noqa: PLR2004 - the ports there are
        message = f"has a port that does not exist: {port}"
        raise ValueError(message)
    return f"{scheme}://{host}{'' if number == _PORTS[scheme] else f':{number}'}{path}"


def check_key_env(name: str) -> str:
    """Return the name of a variable that may hold a key; raise `ValueError` for any other."""
    if name != NO_KEY and not _KEY_ENV.fullmatch(name):
        message = (
            f"is no name of a key's variable: write {KEY_ENV}, or that with an ending such as {KEY_ENV}_LAB, "
            f"or {NO_KEY}. The key itself never belongs in a study file."
        )
        raise ValueError(message)
    return name


def check_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """Return extra fields that may be sent; raise `ValueError` when one is not extra, or looks secret."""
    for name in extra:
        if name in OWN_FIELDS:
            message = f"{name} is no extra field: Evenhand sets it itself, from the arm and the prompt"
            raise ValueError(message)
        if _SECRETIVE.search(name):
            message = f"{name} looks like a key: keys come from the worker's environment, by key_env"
            raise ValueError(message)
    return extra


def permitted(base_url: str, allowed: Sequence[str]) -> bool:
    """Whether a worker may call ``base_url``: it is one of ``allowed``, or lies below one."""
    return any(_covers(one, base_url) for one in allowed)


def _covers(one: str, base_url: str) -> bool:
    try:
        wanted = normal_url(base_url)
        return _is_loopback(wanted) if one == LOOPBACK else f"{wanted}/".startswith(f"{normal_url(one)}/")
    except ValueError:
        return False


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_permitted(endpoint: Endpoint, allowed: Sequence[str]) -> None:
    """Raise `Unavailable` unless the operator of this worker permits the address."""
    if not permitted(endpoint.base_url, allowed):
        message = (
            f"This worker may not call {endpoint.base_url}: EVENHAND_ENDPOINTS, where the worker runs, lists "
            f"{', '.join(allowed) or 'no address'}. Whoever runs the worker can add it; then retry."
        )
        raise Unavailable(message)


def key_of(endpoint: Endpoint, environment: Mapping[str, str]) -> str:
    """Return the key, empty when the server takes none; raise `Unavailable` when there is none to be had."""
    if endpoint.key_env == NO_KEY:
        return ""
    check_key_env(endpoint.key_env)
    key = environment.get(endpoint.key_env, "").strip()
    if not key:
        message = (
            f"{endpoint.key_env} is not set where this worker runs. Set it to the server's key, start the "
            "worker again and retry; for a server that takes no key, the study file says “key_env: none”."
        )
        raise Unavailable(message)
    # Said here, because what HTTP libraries say about such a header repeats it.
    if not key.isascii() or not key.isprintable() or " " in key:
        message = f"{endpoint.key_env} holds what no key has: a space, a line break or a letter beyond ASCII."
        raise Unavailable(message)
    return key
