"""TeX as MathML, which browsers set and screen readers read, without a script and without a style."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter

from studies.typesetting.tidy import tidy

_KEPT = 1_024
"""Formulas that a process remembers: each is set once, however many annotators read it."""
_DEEPEST = 60
_LENGTH = r"[+-]?[0-2]?(?:\.\d{1,4})?em"
_TRUTH = r"true|false"
ATTRIBUTES: dict[str, str] = {
    "accent": _TRUTH,
    "columnalign": r"left|center|right",
    "columnspacing": r"0em 2em",
    "display": r"inline|block",
    "displaystyle": _TRUTH,
    "fence": _TRUTH,
    "form": r"prefix|infix|postfix",
    "largeop": _TRUTH,
    "linethickness": r"0",
    "lspace": _LENGTH,
    "mathvariant": r"normal|bold|italic|bold-italic|sans-serif|monospace",
    "maxsize": _LENGTH,
    "minsize": _LENGTH,
    "movablelimits": _TRUTH,
    "notation": r"box|top|bottom|horizontalstrike|(?:(?:up|down)diagonalstrike ?){1,2}",
    "rspace": _LENGTH,
    "scriptlevel": r"[0-2]",
    "separator": _TRUTH,
    "stretchy": _TRUTH,
    "width": _LENGTH,
}
"""What a formula's elements may say, each with the values that pass. None loads, leads away, or paints."""
TAGS = {
    "math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow", "mspace",
    "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
_OPERANDS = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3,
}  # fmt: skip
_VALUES = {name: re.compile(values) for name, values in ATTRIBUTES.items()}

_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{\s*(\w+\*?)\s*\}")
_NO_ENVIRONMENT = frozenset({"equation", "displaymath", "math"})
_ALIGNED = frozenset({"align", "aligned", "eqnarray", "flalign", "split"})
_NUMBERED_COLUMNS = frozenset({"alignat", "alignedat"})
_GATHERED = frozenset({"gather", "gathered", "multline"})
_MATRICES = frozenset({"array", "cases", "smallmatrix", *(f"{kind}matrix" for kind in ("", *"pbBvV"))})
_REWRITTEN = (
    (re.compile(r"\\label\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![a-zA-Z])"), ""),
    (re.compile(r"\\begin\{dcases\}"), r"\\begin{cases}"),
    (re.compile(r"\\end\{dcases\}"), r"\\end{cases}"),
    (re.compile(r"(\\begin\{align(?:ed)?at\*?\})\s*\{\d+\}"), r"\1"),
    (re.compile(r"\\not\s*="), r"\\neq "),
    (re.compile(r"\\tag(?=\*?\s*\{)"), r"\\qquad\\tag"),
    (re.compile(r"\\text(?=\s*\{[^{}]*\$)"), r"\\hbox"),
)
_STRAY = frozenset("&{}#$")


class UnreadableTeXError(ValueError):
    """A formula that cannot be set with certainty."""


@lru_cache(_KEPT)
def mathml(tex: str, *, display: bool) -> str | None:
    """Return the formula as MathML; none where it is better shown as it was written.

    Half-understood TeX is not set: an unknown command or a missing operand would change what a
    response says.
    """
    try:
        root = _root(tex, display=display)
    except Exception:  # noqa: BLE001 - the library raises whatever its tables make of bad TeX
        return None
    return tostring(root, encoding="unicode", short_empty_elements=False)


def _root(tex: str, *, display: bool) -> Element:
    mode = "block" if display else "inline"
    converter = Converter(display=mode)
    # Definitions are refused: a few that name each other grow without bound.
    converter.macros = cast("dict[str, Any]", MappingProxyType({}))
    root = converter.convert_to_element(_prepared(tex))
    _understand(root, depth=0)
    tidy(root)
    for element in root.iter():
        element.attrib = _allowed(element)
    root.set("display", mode)
    root.set("alttext", " ".join(tex.split()))
    return root


def _prepared(tex: str) -> str:
    """Return the formula in the words that the library knows."""
    _check_braces(tex)
    for pattern, instead in _REWRITTEN:
        tex = pattern.sub(instead, tex)
    return _ENVIRONMENT.sub(_environment, tex)


def _check_braces(tex: str) -> None:
    depth = 0
    for brace in re.findall(r"\\.|[{}]", tex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            break
    if depth:
        message = "The braces do not match."
        raise UnreadableTeXError(message)


def _environment(found: re.Match[str]) -> str:
    name = found[2].removesuffix("*")
    if name in _NO_ENVIRONMENT:
        return ""
    if name in _ALIGNED | _NUMBERED_COLUMNS:
        return rf"\{found[1]}{{align*}}"
    if name in _GATHERED:
        return rf"\{found[1]}{{displaylines}}"
    if name in _MATRICES:
        return rf"\{found[1]}{{{found[2]}}}"
    message = f"There is no environment {name}."
    raise UnreadableTeXError(message)


def _understand(element: Element, depth: int) -> None:
    """Refuse what is not understood for certain; write out the characters that the library names."""
    if depth > _DEEPEST or element.tag not in TAGS or "mathbackground" in element.attrib:
        message = f"The element {element.tag} is not set."
        raise UnreadableTeXError(message)
    if len(element) != _OPERANDS.get(element.tag, len(element)):
        message = f"An operand of {element.tag} is missing."
        raise UnreadableTeXError(message)
    text = element.text or ""
    if text.startswith("\\") or (text in _STRAY and element.tag != "mtext"):
        message = f"{text} has no meaning here."
        raise UnreadableTeXError(message)
    element.text = html.unescape(text)
    for child in element:
        _understand(child, depth + 1)


def _allowed(element: Element) -> dict[str, str]:
    return {
        name: value
        for name, value in element.attrib.items()
        if name in _VALUES and _VALUES[name].fullmatch(value) and (name, element.tag) != ("width", "mpadded")
    }
