r"""Finds mathematics in texts: TeX between dollar signs or ``\(`` and ``\)``, or in an environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.amsmath import ENVIRONMENTS
from mdit_py_plugins.utils import is_code_block

_FORMULA = re.compile(
    r"\$\$(?!\$)(?P<double>.{1,2000}?)(?<!\\)\$\$(?!\$)"
    r"|\\\[(?P<bracket>.{1,2000}?)\\\]"
    r"|\\\((?P<paren>.{1,2000}?)\\\)"
    r"|(?<![\w$])\$(?=\S)(?P<single>(?:\\[^\n]|[^$\\\n]){1,500}?)(?<=\S)\$(?:(?![\w$])|(?=(?:st|nd|rd|th)\b))",
    re.DOTALL,
)
_DISPLAYED = ("double", "bracket")
_OPENER = re.compile(r"\$\$|\\\[|\\begin\{(?P<name>(?:" + "|".join(ENVIRONMENTS) + r")\*?)\}")
_CLOSERS = {"$$": "$$", r"\[": r"\]"}
_LONGEST = 2_000
_MOST_LINES = 60
_TEX = re.compile(r"[\\^_{}=<>+*|]")
_WORD = re.compile(r"\b(?!(?:cos|exp|gcd|lim|ln|log|max|min|mod|sin|tan)\b)[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in a text."""

    tex: str
    display: bool
    """Whether it stands on lines of its own."""
    written: str
    """The formula as it stands in the text, with its delimiters."""


def formula_at(text: str, position: int) -> Formula | None:
    """Return the formula that begins at ``position``, if one does."""
    found = _FORMULA.match(text, position)
    if found is None:
        return None
    kind = str(found.lastgroup)
    tex = found[kind]
    if not tex.strip() or (kind in ("double", "single") and _is_money(tex)):
        return None
    return Formula(tex.strip(), kind in _DISPLAYED, found[0])


def _is_money(between: str) -> bool:
    """Return whether what stands between two dollar signs is prose: amounts, price levels, variables."""
    if between.lstrip()[:1] in tuple(")],.;:"):
        return True
    if _TEX.search(between):
        return False
    words = len(_WORD.findall(between))
    return words > 1 or (words == 1 and between.lstrip()[:1].isdigit())


def in_line(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's own signature
    """Keep a formula whole, whose underscores and backslashes Markdown would eat.

    The parser's plugins have such rules too. Theirs take the words between two variables of a shell
    for a formula, and pass over one that begins a paragraph which ends with a digit.
    """
    if state.src[state.pos] not in "$\\":
        return False
    found = formula_at(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("formula", "math", 0).meta = {"formula": found}
    state.pos += len(found.written)
    return True


def on_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    """Keep a formula on lines of its own whole: a line of it that begins with a plus is no list.

    The plugins' rules drop what follows a formula on its last line, and look for that line to the very
    end of the text, once for each that begins.
    """
    if is_code_block(state, start):
        return False
    found = _formula_on_lines(state, start, end)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.block, token.map, token.meta = True, [start, found[1]], {"formula": found[0]}
        state.line = found[1]
    return True


def _formula_on_lines(state: StateBlock, start: int, end: int) -> tuple[Formula, int] | None:
    """Return the formula that begins on the line ``start``, and the line after its last."""
    opener = _OPENER.match(_line(state, start))
    if opener is None:
        return None
    name = opener["name"]
    after = _line_after(state, start, end, closer=rf"\end{{{name}}}" if name else _CLOSERS[opener[0]])
    if after is None:
        return None
    written = "\n".join(_line(state, number) for number in range(start, after)).strip()
    if name:
        return Formula(written, display=True, written=written), after
    found = formula_at(written, 0)
    return (found, after) if found is not None and found.written == written else None


def _line(state: StateBlock, number: int) -> str:
    """Return a line without what its list or quotation puts before it."""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _line_after(state: StateBlock, start: int, end: int, *, closer: str) -> int | None:
    """Return the line after the one that ends with ``closer``; none if that is not in this block."""
    length = 0
    for number in range(start, min(end, start + _MOST_LINES)):
        line = _line(state, number).rstrip()
        length += len(line)
        if length > _LONGEST or (line and state.sCount[number] < state.blkIndent):
            return None
        if line.endswith(closer) and (number > start or len(line) > 2 * len(closer)):
            return number + 1
    return None


_CODE = re.compile(r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)", re.DOTALL)


def pieces(text: str, *, plain: Callable[[str], str], formula: Callable[[Formula], str]) -> str:
    """Rewrite a text that is no Markdown: its formulas by one function, the rest by the other.

    What stands between backticks is code and has no formulas.
    """
    made, kept, position = [], 0, 0
    for hit in re.finditer(r"[`$\\]", text):
        if hit.start() < position:
            continue
        position = hit.start()
        if code := _CODE.match(text, position):
            position = code.end()
        elif found := formula_at(text, position):
            before = text[kept:position]
            position = kept = position + len(found.written)
            if found.display:  # it has lines of its own already
                before = before.removesuffix("\n")
                kept += text.startswith("\n", kept)
            made += [plain(before), formula(found)]
        else:
            position += 2 if text[position] == "\\" else 1
    return "".join([*made, plain(text[kept:])])
