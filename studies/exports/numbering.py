"""Comparisons by number within their study: a database's own ids mean nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studies.models import Study


class Numbering:
    """From a comparison's id to its number, 1 for the first; eight bytes for each comparison."""

    def __init__(self, study: Study) -> None:
        ids = study.comparisons.order_by("pk").values_list("pk", flat=True)
        self._ids = np.fromiter(ids.iterator(chunk_size=5_000), dtype=np.int64)

    def __getitem__(self, pk: int) -> int:
        """Return the number of the comparison with this id."""
        return int(np.searchsorted(self._ids, pk)) + 1


_ROWS = 2_000
"""About as many rows belong to a stretch."""


def stretches(study: Study, *, each: int) -> Iterator[dict[int, int]]:
    """Yield the comparisons' numbers by their ids, some at a time, in order.

    Tables that have ``each`` rows and more for a comparison are read a stretch at a time: no database
    sorts, or holds, the whole table then, however large it is.
    """
    most, last, number = max(1, _ROWS // max(1, each)), 0, 0
    pks = study.comparisons.order_by("pk").values_list("pk", flat=True)
    while found := list(pks.filter(pk__gt=last)[:most]):
        yield {pk: number + place for place, pk in enumerate(found, start=1)}
        last, number = found[-1], number + len(found)
