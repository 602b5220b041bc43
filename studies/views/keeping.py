"""Figures of large studies, kept for a moment: a page that refreshes itself does not count a million again.

What is counted quickly is counted anew each time. What took long is kept for many times as long, so that
however many people watch a study, a process spends little of its time on that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

from studies.models import Study

Figure = TypeVar("Figure")

SLOW = 0.25
"""Seconds from which on a figure is kept."""
_TIMES = 20
_MOST = 120.0


def kept(study: Study, name: str, compute: Callable[[], Figure]) -> Figure:
    """Return what ``compute`` says of ``study`` now, or said a moment ago if that takes long.

    Whatever is done to the study itself (opened, extended, closed) counts as another study.
    """
    key = f"figure:{name}:{study.pk}:{study.status}:{study.judgments_each}:{study.additions}"
    found: tuple[Figure] | None = cache.get(key)
    if found is not None:
        return found[0]
    began = time.perf_counter()
    figure = compute()
    took = time.perf_counter() - began
    if took >= SLOW:
        cache.set(key, (figure,), min(_TIMES * took, _MOST))
    return figure
