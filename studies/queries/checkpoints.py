"""The checkpoints that are there, and the studies that use them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from generation.models import Checkpoint
from studies.models import Arm, Study


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint with what depends on it."""

    checkpoint: Checkpoint
    studies: tuple[Study, ...]
    """In the order of their titles."""

    @property
    def held(self) -> bool:
        """Whether workers hold its weights: neither a server's nor a name for imported completions."""
        return self.checkpoint.repeatable


def checkpoint_rows(studies: QuerySet[Study]) -> list[CheckpointRow]:
    """Return the checkpoints that these studies use, or none does, by name: three queries.

    What other studies use is theirs: its name alone could tell what they are about.
    """
    users = _users(Arm.objects.filter(study__in=studies).select_related("study"))
    used = set(Arm.objects.values_list("checkpoint", flat=True))
    return [
        CheckpointRow(checkpoint, users.get(checkpoint.pk, ()))
        for checkpoint in Checkpoint.objects.order_by("name")
        if checkpoint.pk in users or checkpoint.pk not in used
    ]


def _users(arms: Iterable[Arm]) -> dict[int, tuple[Study, ...]]:
    found: defaultdict[int, dict[int, Study]] = defaultdict(dict)
    for arm in arms:
        found[arm.checkpoint_id][arm.study_id] = arm.study
    return {
        key: tuple(sorted(studies.values(), key=lambda study: (study.title, study.slug)))
        for key, studies in found.items()
    }
