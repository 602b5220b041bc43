"""Signatures as the Standard Webhooks convention has them."""

from __future__ import annotations

import base64
import hashlib
import hmac

_PREFIX = "whsec_"


def signature(*, secret: str, key: str, timestamp: int, body: str) -> str:
    """Return the value of ``webhook-signature``: HMAC-SHA256 over id, time and body, joined by dots.

    Parameters
    ----------
    secret
        As it was shown: the key in Base64 after ``whsec_``.
    key
        The value of ``webhook-id``, the same for every attempt.
    timestamp
        Of this attempt, in seconds since 1970.
    body
        What is sent, to the byte.

    """
    signed = f"{key}.{timestamp}.{body}".encode()
    digest = hmac.new(base64.b64decode(secret.removeprefix(_PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
