"""The completions of a study that failed, named as a researcher knows them."""

from __future__ import annotations

from dataclasses import dataclass

from generation import holding
from studies.models import Study


@dataclass(frozen=True, slots=True)
class Failure:
    """A completion that failed, as a researcher knows it."""

    pk: int
    prompt: str
    arm: str
    replicate: int
    attempts: int
    reason: str


def failed_completions(study: Study, *, start: int = 0, stop: int) -> tuple[list[Failure], int]:
    """Return some of the failures of ``study``, the earliest first, and how many there are."""
    failed = holding.failures(study.key)
    shown = list(failed[start:stop])
    prompts = dict(study.prompts.filter(key__in={row.prompt_key for row in shown}).values_list("key", "name"))
    arms = dict(study.arms.values_list("key", "name")) if shown else {}
    found = [
        Failure(
            pk=row.pk,
            prompt=prompts.get(row.prompt_key, ""),
            arm=arms.get(row.arm_key, ""),
            replicate=row.replicate,
            attempts=row.attempts,
            reason=row.error,
        )
        for row in shown
    ]
    return found, failed.count()
