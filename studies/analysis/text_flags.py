"""What may be wrong with a completion, seen from its text alone: flags with reasons, never verdicts.

Each rule is a pure function of the text. A flag tells a researcher where to look before annotators are
paid to read; it excludes nothing by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from studies.analysis.language import language_of

FLAGS: dict[str, str] = {
    "empty": "An empty response",
    "identical": "Both responses are the same",
    "cut-off": "A response cut off at the length limit",
    "repetition": "A response that repeats itself",
    "special-tokens": "A response that leaks special tokens",
    "refusal": "A response that refuses",
    "self-naming": "A response that names itself a program",
    "language": "A response in another language than its prompt",
}
"""What the scan looks for: the name in addresses and commands, and the words for people."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One flag of one text, with what it rests on."""

    flag: str
    reason: str


_SPECIAL = re.compile(
    r"<\|[^|<>]{1,40}\|>|</?s>|\[/?INST\]|<(?:unk|pad|bos|eos|mask)>|<(?:start|end)_of_turn>|<<SYS>>"
)
_NAMING = re.compile(
    r"\bas an? (?:AI\b|artificial intelligence|(?:large )?language model|chatbot)"
    r"|\bI(?:'m| am) (?:just |only |merely )?(?:an? )?"
    r"(?:AI\b|artificial intelligence|(?:large )?language model|chatbot|virtual assistant|"
    r"SmolLM\w*|ChatGPT|GPT-?\d|Llama\b|Qwen\b|Gemma\b|Claude\b)"
    r"|\bmy name is (?:SmolLM\w*|ChatGPT|Llama|Qwen|Gemma|Claude)\b"
    r"|\b(?:created|developed|trained|made) by (?:OpenAI|Hugging Face|Anthropic|Meta AI|Google|Alibaba)\b",
    re.IGNORECASE,
)
_CANNOT = r"(?:can't|cannot|can not|won't|will not|am unable to|am not able to)"
_SERVICE = (
    r"(?:help|assist|provide|fulfil|comply|answer|do that|write|generate|create|discuss|offer|give|share|"
    r"support|engage|continue with)"
)
_REFUSAL = re.compile(
    rf"\bI {_CANNOT} (?:\w+ )?{_SERVICE}|\bI'm (?:unable|not able) to {_SERVICE}"
    rf"|\bI(?:'m| am) (?:very |so |really )?sorry,? (?:but )?I {_CANNOT}"
    r"|\bI (?:must|have to) (?:decline|refuse)|\bagainst my (?:guidelines|programming|policy)",
    re.IGNORECASE,
)
_OPENING = 240
"""A refusal stands at the beginning; later it is more often a quotation."""

# Scripts without spaces are cut into characters, all others into words.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|\w+")
_N = 4
_REPEATED = 0.3
_FEWEST_TOKENS = 24
_IN_A_ROW = 6
_SAME_LINES = 3
_LINE = 12
"""Characters from which on a line counts as one that could be repeated by mistake."""


def findings(text: str, *, cut_off: bool, prompt_language: str | None = None) -> tuple[Finding, ...]:
    """Return the flags of one text, in the order of `FLAGS`.

    Parameters
    ----------
    text
        The completion.
    cut_off
        Whether it ended because it had reached its length limit.
    prompt_language
        The language to be expected, as `expected_language` tells it; None to expect none.

    Examples
    --------
    >>> [finding.flag for finding in findings("As an AI language model I see no sea.", cut_off=True)]
    ['cut-off', 'self-naming']
    """
    if not text.strip():
        return (Finding("empty", "there is nothing but white space" if text else "there is no text"),)
    found = [Finding("cut-off", "it reached its length limit")] if cut_off else []
    for flag, rule in _RULES:
        reason = rule(text)
        if reason:
            found.append(Finding(flag, reason))
    other = language_of(text) if prompt_language else None
    if other and other != prompt_language:
        found.append(Finding("language", f"it reads as {other}, its prompt as {prompt_language}"))
    return tuple(found)


def repetition(text: str) -> str:
    """Return how a text repeats itself, or nothing.

    Notes
    -----
    The share of its word sequences of four that occurred before in it ("rep-4", Welleck et al. 2020,
    *Neural text generation with unlikelihood training*), 30 per cent or more in a text of 24 words or
    more; or one word six times in a row; or one line three times.
    """
    tokens = _TOKEN.findall(text.casefold())
    return _sequences(tokens) or _row(tokens) or _lines(text)


def _sequences(tokens: list[str]) -> str:
    if len(tokens) < _FEWEST_TOKENS:
        return ""
    grams = list(zip(*(tokens[start:] for start in range(_N)), strict=False))
    distinct = len(set(grams))
    share = 1 - distinct / len(grams)
    if share < _REPEATED:
        return ""
    (most, times), *_ = Counter(grams).most_common(1)
    return f"{100 * share:.0f} % of its sequences of four words came before, “{' '.join(most)}” {times} times"


def _row(tokens: list[str]) -> str:
    run = 1
    for one, other in pairwise(tokens):
        run = run + 1 if one == other else 1
        if run == _IN_A_ROW:
            return f"it says “{one}” {_IN_A_ROW} times in a row or more"
    return ""


def _lines(text: str) -> str:
    lines = Counter(line.strip() for line in text.splitlines() if len(line.strip()) >= _LINE)
    line, times = lines.most_common(1)[0] if lines else ("", 0)
    return f"the line “{_short(line)}” stands there {times} times" if times >= _SAME_LINES else ""


def _special_tokens(text: str) -> str:
    found = _SPECIAL.search(text)
    return f"it contains “{found.group()}”" if found else ""


def _refusal(text: str) -> str:
    found = _REFUSAL.search(_plain(text[:_OPENING]))
    return f"it begins with “{_short(found.group())}”" if found else ""


def _self_naming(text: str) -> str:
    found = _NAMING.search(_plain(text))
    return f"it says “{_short(found.group())}”" if found else ""


def _plain(text: str) -> str:
    """Return a text with typewriter apostrophes."""
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


_SHOWN = 60
_RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("repetition", repetition),
    ("special-tokens", _special_tokens),
    ("refusal", _refusal),
    ("self-naming", _self_naming),
)

_OTHER_TONGUE = re.compile(
    r"\b(?:translat\w*|übersetz\w*|tradui\w*|traduc\w*|English|German|French|Spanish|Italian|Portuguese|Dutch|"
    r"Japanese|Chinese|Korean|Russian|Greek|Latin|Arabic|Hebrew|Hindi|Polish|Swedish|Turkish|Esperanto|"
    r"bilingual\w*|multilingual\w*)\b",
    re.IGNORECASE,
)


def expected_language(turns: list[str]) -> str | None:
    """Return the language that an answer is expected in; None when it cannot be told.

    It cannot where a prompt speaks of translating or names a language: the answer may rightly be in another.

    Examples
    --------
    >>> expected_language(["What do they do when they are on the sea in a boat that has no sail?"])
    'English'
    >>> expected_language(["Say in French what they do when they are on the sea in a boat."])
    """
    text = "\n".join(turns)
    return None if _OTHER_TONGUE.search(text) else language_of(text)
