"""An answer that the data do not give, with its reason: it is printed where the answer would stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from studies.analysis.refusal import RefusalError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Absence:
    """Why there is no answer, in one sentence."""

    reason: str


def attempt(ask: Callable[[], Answer]) -> Answer | Absence:
    """Return the answer, or the reason that the analysis gives for having none."""
    try:
        return ask()
    except RefusalError as refusal:
        return Absence(refusal.reason)
