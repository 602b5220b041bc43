"""Markdown as HTML that may be shown: no script, no style, nothing that loads from elsewhere."""

from __future__ import annotations

import re
from functools import cache

import nh3
from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

register = template.Library()

_TAGS = {
    "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_HEADINGS_ABOVE = 2
"""Levels that the page itself uses, so headings inside a text start below them."""
_DEEPEST = 6


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_DEEPEST, int(token.tag[1:]) + _HEADINGS_ABOVE)}"


_MATH = re.compile(
    r"\$\$.{1,2000}?\$\$|\\\(.{1,2000}?\\\)|\\\[.{1,2000}?\\\]|(?<![\w$])\$(?=\S)[^$\n]{1,500}?(?<=\S)\$(?![\w$])",
    re.DOTALL,
)
"""TeX between its usual delimiters. A price is none: its sign has no partner that ends a word."""


def _mathematics(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's own signature
    """Keep formulas as they were written, whose underscores and backslashes Markdown would eat."""
    found = _MATH.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("code_inline", "code", 0)
        token.content = " ".join(found[0].split())
    state.pos = found.end()
    return True


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "mathematics", _mathematics)
    parser.core.ruler.push("lower_headings", _lower_headings)
    return parser


@register.filter
def markdown_with_links(text: str) -> SafeString:
    """Render a researcher's Markdown. Links open elsewhere and tell nobody where they came from."""
    html = nh3.clean(
        _parser().render(text),
        tags=_TAGS | {"a"},
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it


@register.filter
def markdown_alone(text: str) -> SafeString:
    """Render a model's Markdown: links and images lose their targets, since nothing may load or lead away."""
    html = nh3.clean(_parser().render(text), tags=_TAGS, attributes={"ol": {"start"}}, link_rel=None)
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it
