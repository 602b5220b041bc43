"""The criteria of a study, kept in memory once they cannot change."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from studies.models import Criterion, Study

_STUDIES = 64


def criteria_of(study: Study) -> tuple[Criterion, ...]:
    """Return a study's criteria in their order. A frozen plan's are read once: the database keeps them."""
    if study.plan_hash:
        return _frozen(study.key, study.pk, study.plan_hash)
    return tuple(study.criteria.all())


@lru_cache(_STUDIES)
def _frozen(_key: UUID, study: int, _plan_hash: str) -> tuple[Criterion, ...]:
    return tuple(Criterion.objects.filter(study=study))
