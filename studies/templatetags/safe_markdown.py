"""Markdown as HTML that may be shown: no script, no style, nothing that loads from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import nh3
from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from studies.typesetting import mathml
from studies.typesetting.formulas import Formula, in_line, on_lines, pieces

register = template.Library()

_TAGS = {
    "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_HEADINGS_ABOVE = 2
"""Levels that the page itself uses, so headings inside a text start below them."""
_DEEPEST = 6
_JOINER = "\N{WORD JOINER}"
"""After a formula within a line, so that no comma after it begins the next one."""
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list"]
"""What a formula on lines of its own ends, without an empty line before it."""
_MATHEMATICS: dict[str, set[str]] = {
    **{tag: set(mathml.ATTRIBUTES) for tag in mathml.TAGS},
    "math": {"display", "alttext"},
}


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_DEEPEST, int(token.tag[1:]) + _HEADINGS_ABOVE)}"


def _formula(found: Formula, *, block: bool = False) -> str:
    """Return a formula as MathML; as the code that it is, if it cannot be set."""
    made = mathml.mathml(found.tex, display=found.display)
    if made is not None:
        joiner = "" if found.display else _JOINER
        return f"<p>{made}</p>\n" if block else made + joiner
    if block:
        return f"<pre><code>{escape(found.written)}</code></pre>\n"
    return f"<code>{escape(' '.join(found.written.split()))}</code>"


def _rendered(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    return _formula(tokens[index].meta["formula"], block=tokens[index].block)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.before("fence", "formula", on_lines, {"alt": _INTERRUPTED})
    parser.inline.ruler.before("escape", "formula", in_line)
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("formula", _rendered)
    return parser


# Made once: handing over what is allowed costs as much as cleaning a short text.
_WITH_LINKS = nh3.Cleaner(
    tags=_TAGS | mathml.TAGS | {"a"},
    attributes={"a": {"href"}, "ol": {"start"}, **_MATHEMATICS},
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
_ALONE = nh3.Cleaner(tags=_TAGS | mathml.TAGS, attributes={"ol": {"start"}, **_MATHEMATICS}, link_rel=None)
_PROMPT = nh3.Cleaner(tags=mathml.TAGS | {"code"}, attributes=_MATHEMATICS, link_rel=None)


@register.filter
def markdown_with_links(text: str) -> SafeString:
    """Render a researcher's Markdown. Links open elsewhere and tell nobody where they came from."""
    html = _WITH_LINKS.clean(_parser().render(text))
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it


@register.filter
def markdown_alone(text: str) -> SafeString:
    """Render a model's Markdown: links and images lose their targets, since nothing may load or lead away."""
    html = _ALONE.clean(_parser().render(text))
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it


@register.filter
def with_formulas(text: str) -> SafeString:
    """Show a text as it was written but for its formulas, which are set: it is no Markdown."""
    html = _PROMPT.clean(pieces(text, plain=escape, formula=_formula))
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it
