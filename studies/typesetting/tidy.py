"""What browsers do not make of MathML by themselves: limits, alphabets, lines, spaces.

They set MathML Core, which lacks some of what the library's MathML 3 has words for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement

from latex2mathml.symbols_parser import convert_symbol

_BELOW = frozenset({"lim", "max", "min", "sup", "inf", "lim\u2006inf", "lim\u2006sup", "argmax", "argmin"})
_LARGE = frozenset("∑∏∐⋃⋂⨁⨂⨀⨄⋁⋀")
_LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_SCRIPTS = frozenset({*_LIMITS, *_LIMITS.values()})
_ALPHABETS = {"double-struck": "mathbb", "script": "mathcal", "fraktur": "mathfrak"}
_BAR = "\N{HORIZONTAL BAR}"
_LINES = {"mover": "top", "munder": "bottom"}
_BARS = frozenset("|‖")
_PRIMES = frozenset("′″‴⁗")
_SPACES = {"thin": "0.1667em", "medium": "0.2222em", "thick": "0.2778em"}
_NAMES = frozenset("∞∅")
_SAME = {"~": "∼"}
"""The library takes one for the other."""
_FENCES = frozenset("⟨⟩⌊⌋⌈⌉")
_ROWS = frozenset({"mrow", "mstyle", "mtd", "msqrt", "mphantom", "mpadded", "menclose"})


def tidy(element: Element) -> None:
    """Say in words of MathML Core what the library says in others."""
    for child in element:
        tidy(child)
    for step in _STEPS:
        step(element)


def _letters(element: Element) -> None:
    """Use the letters that Unicode has for an alphabet: Core knows no variants."""
    alphabet = _ALPHABETS.get(element.attrib.get("mathvariant", ""))
    if alphabet:
        del element.attrib["mathvariant"]
        element.text = "".join(_letter(one, alphabet) for one in element.text or "")


def _letter(one: str, alphabet: str) -> str:
    code = convert_symbol(f"\\{alphabet}{{{one}}}")
    return chr(int(code, 16)) if code else one


def _operators(element: Element) -> None:
    """Tell operators, which have space around them, from names, which have none."""
    text = element.text or ""
    if element.tag == "mi" and text in _FENCES:
        element.tag, element.attrib = "mo", {"stretchy": "false"}
    elif element.tag == "mi" and len(text) == 1 and unicodedata.category(text) == "Sm":
        element.tag, element.text = "mo", _SAME.get(text, text)
    elif element.tag == "mo" and (
        text in _NAMES or (len(text) > 1 and text.isalpha() and text not in _BELOW)
    ):
        element.tag = "mi"


def _is_word(text: str) -> bool:
    return len(text) > 1 and text.isalpha() and text not in _BELOW


def _spaces(element: Element) -> None:
    """Give the spaces that have names their widths."""
    width = element.attrib.get("width", "")
    name = width.removesuffix("mathspace").removeprefix("negative")
    if element.tag == "mspace" and name.removeprefix("very") in _SPACES:
        element.set("width", ("-" if width.startswith("negative") else "") + _SPACES[name])


def _limits(element: Element) -> None:
    """Put below and above a sum or a limit what belongs there; in a line, browsers put it at the side."""
    base = element[0] if element.tag in _SCRIPTS and len(element) else None
    if base is not None and base.tag == "mo" and (base.text in _BELOW or base.text in _LARGE):
        element.tag = _LIMITS.get(element.tag, element.tag)
        base.set("movablelimits", "true")


def _line_over(element: Element) -> None:
    """Enclose what has a line over or under it: a stretched accent reaches over one letter."""
    line = element[-1] if element.tag in _LINES and len(element) else None
    if line is not None and line.text == _BAR:
        element.remove(line)
        element.tag, element.attrib = "menclose", {"notation": _LINES[element.tag]}


def _primes(element: Element) -> None:
    """Set primes beside their letter: they are raised by themselves."""
    prime = element[1] if element.tag == "msup" else None
    if prime is not None and prime.text and set(prime.text) <= _PRIMES:
        element.tag = "mrow"
        prime.tag, prime.attrib = "mo", {"lspace": "0em", "rspace": "0em"}


def _bars(element: Element) -> None:
    """Keep the bars of an absolute value at what is between them: which one opens, nobody says."""
    if element.tag == "mo" and element.text in _BARS and "form" not in element.attrib:
        element.attrib |= {"lspace": "0em", "rspace": "0em"}


def _columns(element: Element) -> None:
    """Keep the sides of an equation together, and pairs of them apart."""
    first = element.find("mtr/mtd") if element.tag == "mtable" else None
    if first is not None and "displaystyle" in element.attrib and first.get("columnalign") == "right":
        element.set("columnspacing", "0em 2em")


def _broken_lines(element: Element) -> None:
    """Make rows of a formula whose lines are broken outside of any table."""
    if not any("linebreak" in child.attrib for child in element):
        return
    children = list(element)
    element[:] = []
    cell = _new_line(table := SubElement(element, "mtable", displaystyle="true"))
    for child in children:
        if "linebreak" in child.attrib:
            cell = _new_line(table)
        else:
            cell.append(child)


def _new_line(table: Element) -> Element:
    return SubElement(SubElement(table, "mtr"), "mtd")


def _apart(element: Element) -> None:
    """Set a function's name apart from what it is applied to, and from a factor before it."""
    children = list(element) if element.tag in _ROWS else []
    for place, (one, other) in reversed(list(enumerate(pairwise(children), start=1))):
        if (_is_name(one) and _is_operand(other)) or (_is_operand(one) and _is_name(other)):
            element.insert(place, Element("mspace", width=_SPACES["thin"]))


def _is_name(element: Element) -> bool:
    if element.tag in _SCRIPTS and len(element):
        return _is_name(element[0])
    return element.tag == "mi" and len(element.text or "") > 1 and str(element.text).isalpha()


def _is_operand(element: Element) -> bool:
    if element.tag in _SCRIPTS and len(element):
        return _is_operand(element[0])
    return element.tag in {"mi", "mn", "mfrac", "mroot", "msqrt"} or (
        element.tag == "mrow" and len(element) > 0 and element[0].tag != "mo"
    )


_STEPS: tuple[Callable[[Element], None], ...] = (
    *(_letters, _operators, _spaces, _limits, _line_over, _primes, _bars),
    *(_columns, _broken_lines, _apart),
)
