"""Two responses side by side, word by word: which words the other one does not have at that place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from studies.domain.unblinding import Response
from studies.enums import Slot

_WORDS = re.compile(r"\S+|\s+")
_MOST_WORDS = 4_000
"""In both responses together; longer ones are shown unmarked, since comparing them takes too long."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a response."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Pane:
    """A response as the page shows it."""

    slot: Slot
    text: str
    answer: str = ""
    """The answer that a chain of thought comes to."""
    parts: tuple[Part, ...] = ()
    """The text in stretches; empty unless the study offers to mark the differences."""


def panes(responses: Sequence[Response], *, marked: bool) -> list[Pane]:
    """Return the panes of a comparison, with its differences if they may be marked."""
    texts = [response.text.strip() for response in responses]
    parts = differences(*texts) if marked else ((), ())
    return [Pane(each.slot, each.text, each.answer, own) for each, own in zip(responses, parts, strict=True)]


def differences(first: str, second: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Split both texts into stretches that they share and stretches that they do not."""
    ours, theirs = _WORDS.findall(first), _WORDS.findall(second)
    if len(ours) + len(theirs) > 2 * _MOST_WORDS:  # spaces count as words here
        return (Part(first, differs=False),), (Part(second, differs=False),)
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return (
        tuple(_part(ours[a:b], same=tag == "equal") for tag, a, b, _, _ in blocks if b > a),
        tuple(_part(theirs[c:d], same=tag == "equal") for tag, _, _, c, d in blocks if d > c),
    )


def _part(words: Sequence[str], *, same: bool) -> Part:
    text = "".join(words)
    return Part(text, differs=not same and bool(text.strip()))
