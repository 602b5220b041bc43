"""Asking for completions: rows first, then a hint to the workers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from generation.models import Checkpoint, Completion
from generation.spec import CompletionRequest

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One completion that somebody wants. The request's own key is ignored."""

    prompt_key: uuid.UUID
    arm_key: uuid.UUID
    replicate: int
    checkpoint: Checkpoint
    request: CompletionRequest


def request_completions(batch_key: uuid.UUID, wanted: Iterable[Wanted]) -> None:
    """Create the rows that are not there yet. Harmless to repeat."""
    Completion.objects.bulk_create(
        (
            Completion(
                batch_key=batch_key,
                prompt_key=item.prompt_key,
                arm_key=item.arm_key,
                replicate=item.replicate,
                checkpoint=item.checkpoint,
                request=item.request.as_dict(),
            )
            for item in wanted
        ),
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
