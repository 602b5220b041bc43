"""Write completions again from their stored requests, and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.models import Completion
from generation.spec import Failed, Generated, Generator

_MACHINE = ("checkpoint", "revision", "weight_hash", "engine", "device", "dtype", "libraries")
"""What of a completion's provenance may explain that it comes out differently."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a completion compares with itself written again."""

    completion: Completion
    differs_at: int | None = None
    """The first token that differs, counted from 0; None when all are the same."""
    failure: str = ""
    """Why it could not be written again."""
    changed: tuple[str, ...] = ()
    """What is not as it was when it was first written: `word: before, now after`."""

    @property
    def same(self) -> bool:
        """Whether it came out token for token the same."""
        return self.differs_at is None and not self.failure


def sample(completions: Sequence[Completion], size: int | None, *, seed: int) -> list[Completion]:
    """Return ``size`` of the completions, drawn from ``seed``, in their order; all when it is None."""
    if size is None or size >= len(completions):
        return list(completions)
    chosen = np.random.default_rng(seed).choice(len(completions), size=size, replace=False)
    return [completions[index] for index in sorted(chosen)]


def verify(completions: Sequence[Completion], generator: Generator) -> Iterator[Verdict]:
    """Yield a verdict on each completion as it is finished again. Nothing is stored."""
    by_key = {completion.pk: completion for completion in completions}
    waiting = [completion.as_request() for completion in completions]

    def fetch(rows: int) -> list[Any]:
        batch = waiting[:rows]
        del waiting[:rows]
        return batch

    for result in generator.generate(fetch, lambda _: None):
        yield _verdict(by_key[result.key], result)


def _verdict(completion: Completion, result: Generated | Failed) -> Verdict:
    if isinstance(result, Failed):
        return Verdict(completion, failure=result.reason)
    return Verdict(
        completion,
        differs_at=_first_difference(completion.token_ids, result.token_ids),
        changed=tuple(_changes(completion.provenance, result.provenance)),
    )


def _first_difference(before: Sequence[int], after: Sequence[int]) -> int | None:
    """Return the first place where two token sequences differ; the shorter one's end is such a place."""
    for place, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return place
    return None if len(before) == len(after) else min(len(before), len(after))


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name, old, new in _pairs(before, after):
        if old != new:
            yield f"{name}: {_short(old)}, now {_short(new)}"


def _pairs(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in _MACHINE:
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from ((part, old.get(part), new.get(part)) for part in sorted({*old, *new}))
        else:
            yield name, old, new


def _short(value: Any) -> str:
    """Return a value as a person reads it; of a hash, its beginning."""
    text = str(value or "unknown")
    return text[:12] if len(text) == _HASH else text


_HASH = 64
