"""Idempotency keys: a request that is sent again is answered as it was, and done once.

The answer is stored in the transaction that does the work, so there is either both or neither; of two
that come at once the second waits for the first, and is given its answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from studies.domain.errors import StudyError
from studies.models import KeptAnswer

KEPT = timedelta(days=1)


class KeyReusedError(StudyError):
    """A key came a second time, with something else to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def claim(*, user: User, key: str, request_hash: str) -> tuple[KeptAnswer, Answer | None]:
    """Take a key for a request, inside the caller's transaction; return the answer if there is one already.

    Raises
    ------
    KeyReusedError
        The key belongs to another request.
    """
    now = timezone.now()
    KeptAnswer.objects.filter(created_at__lt=now - KEPT).delete()
    kept, made = KeptAnswer.objects.get_or_create(
        user=user, key=key, defaults={"request_hash": request_hash, "created_at": now}
    )
    if made:
        return kept, None
    if kept.request_hash != request_hash:
        message = (
            "This Idempotency-Key was used for another request within the last day: "
            "its method, address or body differed. Choose a new key."
        )
        raise KeyReusedError(message)
    return kept, Answer(kept.status, kept.headers, bytes(kept.body))


def keep(kept: KeptAnswer, answer: Answer) -> None:
    """Store what the request was answered."""
    kept.status, kept.headers, kept.body = answer.status, answer.headers, answer.body
    kept.save(update_fields=["status", "headers", "body"])
