"""What the pages say: every message of the sources, and the German catalogue."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import template

ROOT = Path(settings.BASE_DIR)
PLACES = ("studies", "config", "generation")
CALLS = {
    "_": 1,
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "ngettext": 2,
    "ngettext_lazy": 2,
    "pgettext": 1,
    "pgettext_lazy": 1,
}
TEXT = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
SAID = re.compile(rf"\b(n?p?gettext|_)\(((?:{TEXT}(?:,\s*)?)+)")
COUNTED = re.compile(r"""\|plural:"([^" ]+) ([^" ]+)\"""")


class Message(NamedTuple):
    """A text of a page: its context, itself, its plural."""

    context: str
    text: str
    plural: str


def in_template(source: str) -> Iterator[Message]:
    """Yield the messages of a template, as `makemessages` reads them."""
    for call, said in SAID.findall(template.templatize(source)):
        parts = [ast.literal_eval(part) for part in re.findall(TEXT, said)]
        context = parts.pop(0) if "p" in call.removesuffix("gettext") else ""
        yield Message(context, parts[0], parts[1] if call.startswith("n") else "")
    yield from (Message("", *nouns) for nouns in COUNTED.findall(source))


def in_code(source: str) -> Iterator[Message]:
    """Yield the messages of a module: arguments of gettext's functions, and nouns that are counted."""
    counts = "from studies.templatetags.evenhand import" in source
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        texts = [part.value for part in call.args if isinstance(part, ast.Constant)]
        if call.func.id == "plural" and counts:
            yield Message("", *texts[-1].split())
        elif call.func.id == "_choice":
            yield Message("choice", texts[0], "")
        elif call.func.id in CALLS and len(texts) > call.func.id.startswith("p"):
            context = texts.pop(0) if call.func.id.startswith("p") else ""
            yield Message(context, texts[0], texts[1] if CALLS[call.func.id] > 1 else "")


def messages() -> dict[Message, str]:
    """Return every message with a file that has it."""
    found: dict[Message, str] = {}
    for file in sorted((ROOT / "templates").rglob("*.*")):
        if file.suffix in {".html", ".txt"}:
            found |= dict.fromkeys(in_template(file.read_text()), str(file.relative_to(ROOT)))
    for place in PLACES:
        for file in sorted((ROOT / place).rglob("*.py")):
            found |= dict.fromkeys(in_code(file.read_text()), str(file.relative_to(ROOT)))
    return found


def german() -> dict[Any, str]:
    """Return the compiled catalogue, which has no fuzzy entries; what is counted has a key for each form."""
    with (ROOT / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)._catalog


def key_of(message: Message) -> Any:
    """Return what a message is called in the catalogue."""
    text = f"{message.context}\x04{message.text}" if message.context else message.text
    return (text, 0) if message.plural else text


def untranslated() -> dict[Message, str]:
    """Return the messages without German, with a file of each."""
    known = german()
    return {message: file for message, file in messages().items() if key_of(message) not in known}
