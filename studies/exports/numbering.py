"""Comparisons by number within their study: a database's own ids mean nothing elsewhere."""

from __future__ import annotations

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
