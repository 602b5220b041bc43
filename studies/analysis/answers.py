"""The answer at the end of a chain of thought: found behind its marker, and held against the right one."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

_NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?|[-\N{MINUS SIGN}]?\.\d+")
_FRACTION = re.compile(r"([-\N{MINUS SIGN}]?\d+)\s*/\s*(\d+)")
_OPTION = re.compile(r"\(?\s*([a-z])\s*(?:[).:]|$)", re.IGNORECASE)
_EDGES = " \t\r\n*_`\"'“”‘’.,:;!?()[]{}$€£\\"


def parsed_answer(text: str, marker: str) -> str:
    r"""Return what stands behind the last marker, up to the end of its line; empty when there is none.

    Parameters
    ----------
    text
        A completion: the rationale, then the marker and the answer.
    marker
        Such as ``"Answer:"``; its case does not matter.

    Examples
    --------
    >>> parsed_answer("Two and two make four.\nAnswer: 4\n", "Answer:")
    '4'
    >>> parsed_answer("It must be four.", "Answer:")
    ''
    """
    found = list(re.finditer(re.escape(marker), text, re.IGNORECASE)) if marker else []
    if not found:
        return ""
    behind = text[found[-1].end() :].strip().splitlines()
    return behind[0].strip(" \t*_`") if behind else ""


def is_right(answer: str, right: str) -> bool:
    """Return whether a parsed answer says what the right one does.

    A number is right when the answer's first number has its value: ``1,200`` and ``$1200.00 each`` are 1200.
    A single letter is an option: ``(B)`` and ``B. Paris`` are B. Anything else has to be said in the same
    words at the beginning, without regard to case and punctuation: ``Yes, because ...`` is yes.

    Examples
    --------
    >>> is_right("$1,200.00 a month", "1200"), is_right("(b)", "B"), is_right("Yes, it does.", "yes")
    (True, True, True)
    >>> is_right("12", "1200"), is_right("Bees", "B"), is_right("", "yes")
    (False, False, False)
    """
    wanted = _number(right) if _number(right) is not None and _is_number(right) else None
    if wanted is not None:
        return _number(answer) == wanted
    option = _OPTION.fullmatch(right.strip())
    if option:
        given = _OPTION.match(answer.strip(" \t*_`"))
        return given is not None and given[1].casefold() == option[1].casefold()
    said, words = _plain(answer), _plain(right)
    return bool(words) and (said == words or said.startswith(f"{words} "))


def _is_number(text: str) -> bool:
    bare = text.strip(_EDGES)
    return bool(_NUMBER.fullmatch(bare) or _FRACTION.fullmatch(bare))


def _number(text: str) -> Decimal | None:
    fraction = _FRACTION.search(text)
    found = _NUMBER.search(text)
    if fraction and found and fraction.start() <= found.start():
        above, below = (Decimal(part.replace("\N{MINUS SIGN}", "-")) for part in fraction.groups())
        return above / below if below else None
    if found is None:
        return None
    try:
        return Decimal(found[0].replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except InvalidOperation:
        return None


def _plain(text: str) -> str:
    """Return the words of a text: without case, punctuation and accents' spelling."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded))
