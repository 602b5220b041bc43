"""Whatever a page says has its German: every message of the sources, and no text beside them."""

import re

import pytest

from generation.models import Worker
from studies.analysis.text_flags import FLAGS
from studies.api.document import document
from tests.translation_kit import ROOT, german, key_of, messages, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
DJANGO = re.compile(r"\{% blocktranslate.*?endblocktranslate %\}|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
READ = re.compile(r"""\b(?:aria-label|placeholder|title|alt)=["']([^"']+)["']""")
PASSED = re.compile(
    r"""\b(?:title|words|label|action|here|parent|note|document|rate|left|caption)="([^"]+?)"(?!\|)"""
)
NAMES = {
    *(
        "API",
        "FLOP",
        "CSV",
        "Evenhand",
        "GET",
        "HTML",
        "JSON",
        "LaTeX",
        "Markdown",
        "PDF",
        "SHA-256",
        "UTC",
        "doctype",
    ),
    *("Top k", "Top p", "Min p", "min", "Enter", "Ctrl+Z", "ltr", "rtl", "rtlltr", "comparing", "practising"),
}
"""Names, units, keys and words of the markup: the same in both languages."""
ENGLISH = ("reports/", "dashboard/samples/")
"""Reports are in English (docs/decisions), and so are the samples of the components' page."""


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_every_message_has_its_german():
    assert len(messages()) > 700
    assert untranslated() == {}


def test_placeholders_survive_translation():
    known = german()
    differing = []
    for message in messages():
        key = key_of(message)
        forms = [known[key], known[message.text, 1]] if message.plural else [known[key]]
        wanted = [placeholders(message.text), placeholders(message.plural or message.text)]
        # One of something may be said without its number.
        if placeholders(forms[-1]) != wanted[-1] or not set(placeholders(forms[0])) <= set(wanted[-1]):
            differing.append(message.text)

    assert differing == []


def test_words_of_what_speaks_english_alone_have_their_german():
    operations = [one for path in document()["paths"].values() for one in path.values()]
    groups = {operation["tags"][0].capitalize() for operation in operations}

    words = {*FLAGS.values(), *Worker.State.labels, *groups}

    assert len(groups) > 5
    assert words - set(german()) == set()


def literal_texts(source: str) -> list[str]:
    """Return what a template says outside of the tags that translate: its words, and those of attributes."""
    inside = [found for tag in DJANGO.findall(source) if "include" in tag for found in PASSED.findall(tag)]
    bare = DJANGO.sub("", source)
    attributes = READ.findall(bare)
    around = [part.strip() for part in re.split(r"<[^<>]*>|\n", bare)]
    return [text for text in inside + attributes + around if re.search(r"[A-Za-z]{2}", text)]


TEMPLATES = [
    str(file.relative_to(ROOT / "templates"))
    for file in sorted((ROOT / "templates").rglob("*.*"))
    if not str(file.relative_to(ROOT / "templates")).startswith(ENGLISH)
]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>Word</p>", ["Word"]),
        ('<nav aria-label="Main">{{ name }}</nav>', ["Main"]),
        ('{% include "a.html" with label="Power" only %}', ["Power"]),
        (
            '<p>{% translate "Word" %} – {% blocktranslate %}<b>{{ a }}</b> words{% endblocktranslate %}</p>',
            [],
        ),
    ],
)
def test_a_text_that_nobody_translates_is_seen(source, said):
    assert literal_texts(source) == said


def test_no_template_says_anything_in_english_alone():
    spoken = {}
    for name in TEMPLATES:
        texts = literal_texts((ROOT / "templates" / name).read_text())
        for known in sorted(NAMES, key=len, reverse=True):
            texts = [re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "", text) for text in texts]
        if left := [text for text in texts if re.search(r"[A-Za-z]{2}", text)]:
            spoken[name] = left

    assert len(TEMPLATES) > 150
    assert spoken == {}
