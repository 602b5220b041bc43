"""Forms made from the study file's schema: whatever the file can say has a field, named by its path.

A field's name in the browser is its path in the file, ``arms[1].guidance_scale``, so what the file's
check finds wrong lands beside the field that says it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin

from django.utils.translation import gettext
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from studies.files.schema import MessageEntry
from studies.files.writer import dump
from studies.forms.entry_words import WORDS, spoken

_LONG_TEXTS = 1_000
"""Texts that may be longer than so many characters get a text area."""


@dataclass(slots=True)
class Input:
    """One value of the file."""

    path: str
    label: str
    help: str
    kind: Literal["line", "area", "number", "flag", "choice", "lines", "yaml"]
    value: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    hint: str = ""
    """What holds when it stays empty."""
    suggestions: str = ""
    """The id of a list of values to take."""
    errors: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return the id in the page."""
        return "f-" + "".join(letter if letter.isalnum() else "-" for letter in self.path)

    @property
    def name(self) -> str:
        """Return the name that is sent: YAML says so, because it is read otherwise."""
        return f"{self.path}:yaml" if self.kind == "yaml" else self.path

    @property
    def rows(self) -> int:
        """Return how high a text area is."""
        return min(16, max(3, self.value.count("\n") + 1 + len(self.value) // 90))


@dataclass(slots=True)
class Group:
    """Values that belong together."""

    path: str
    label: str
    help: str
    children: list[Input | Group | Rows]
    errors: list[str] = field(default_factory=list)
    kind: str = "group"


@dataclass(slots=True)
class Rows:
    """A list of groups: rows are added, moved and removed."""

    path: str
    label: str
    help: str
    one: str
    rows: list[Group]
    errors: list[str] = field(default_factory=list)
    kind: str = "rows"


Node = Input | Group | Rows


def bare(annotation: Any) -> tuple[Any, bool]:
    """Return a type without its constraints, and whether it may be absent."""
    if hasattr(annotation, "__metadata__"):
        return bare(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return bare(inner[0])[0], True
    return annotation, False


def is_entry(kind: Any) -> bool:
    """Return whether a type is a part of the file that has keys of its own."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def list_of(kind: Any) -> type[BaseModel] | None:
    """Return the entry that a list holds as rows; the turns of a conversation are written as YAML."""
    inner = bare(get_args(kind)[0])[0] if get_origin(kind) is list else None
    return inner if is_entry(inner) and inner is not MessageEntry else None


def joined(path: str, key: str) -> str:
    """Return the path of a key below another path."""
    return f"{path}.{key}" if path else key


def form_of(
    model: type[BaseModel], data: Mapping[str, Any], *, path: str = "", keys: tuple[str, ...] = ()
) -> list[Node]:
    """Return the fields of an entry that holds ``data``; of all its keys, or of some."""
    return [
        _node(joined(path, key), key, model, info, data.get(key))
        for key, info in model.model_fields.items()
        if not keys or key in keys
    ]


def _node(path: str, key: str, model: type[BaseModel], info: FieldInfo, value: Any) -> Node:
    kind, _ = bare(info.annotation)
    words = _words(model, key)
    if inner := list_of(kind):
        given = value if isinstance(value, list) else []
        rows = [row_of(inner, f"{path}[{index}]", row, number=index) for index, row in enumerate(given)]
        return Rows(path, words[0], words[1], _one(inner), rows)
    if is_entry(kind):
        children = form_of(kind, value if isinstance(value, Mapping) else {}, path=path)
        return Group(path, words[0], words[1], children)
    return _input(path, words, kind, info, value)


def _words(model: type[BaseModel], key: str) -> tuple[str, str]:
    label, told = (
        WORDS.get(f"{model.__name__}.{key}") or WORDS.get(key) or (key.replace("_", " ").capitalize(), "")
    )
    return gettext(label), gettext(told)


def row_of(model: type[BaseModel], path: str, data: Any, *, number: int) -> Group:
    """Return one row of a list."""
    children = form_of(model, data if isinstance(data, Mapping) else {}, path=path)
    return Group(path, f"{_one(model)} {number + 1}", "", children)


def _one(model: type[BaseModel]) -> str:
    return gettext(WORDS[model.__name__][0])


def _input(path: str, words: tuple[str, str], kind: Any, info: FieldInfo, value: Any) -> Input:
    made = Input(path, words[0], words[1], "line", "" if value is None else str(value))
    default = info.get_default(call_default_factory=True)
    if get_origin(kind) is Literal:
        made.kind, made.choices = "choice", [(str(one), spoken(one)) for one in get_args(kind)]
        required = default is PydanticUndefined
        made.choices = [("", gettext("Choose")), *made.choices] if required else made.choices
        made.value = made.value or ("" if required else str(default))
    elif kind is bool:
        made.kind, made.value = "flag", "on" if (default if value is None else value) else ""
    elif kind in (int, float):
        made.kind, made.hint = "number", "" if default in (None, PydanticUndefined) else f"{default:g}"
    elif kind is str:
        made.kind = "area" if _most(info) >= _LONG_TEXTS or "\n" in made.value else "line"
        made.hint = default if isinstance(default, str) else ""
    else:
        _structured(made, kind, value)
    made.suggestions = "checkpoints" if path.endswith(".checkpoint") else ""
    return made


def _structured(made: Input, kind: Any, value: Any) -> None:
    """Set up the field of a list of texts, or of what only YAML can say."""
    plain = get_origin(kind) is list and bare(get_args(kind)[0])[0] is str and not made.path.endswith(".stop")
    texts = value if isinstance(value, list) else []
    if plain and all(isinstance(text, str) and text.strip() == text and "\n" not in text for text in texts):
        made.kind, made.value = "lines", "\n".join(texts)
    else:
        made.kind, made.value = "yaml", value if isinstance(value, str) else _as_yaml(value)


def _as_yaml(value: Any) -> str:
    return dump(value) if value else ""


def _most(info: FieldInfo) -> int:
    limits = [one.max_length for one in info.metadata if hasattr(one, "max_length")]
    return min(limits, default=_LONG_TEXTS)


def nodes_below(nodes: list[Node]) -> Iterator[Node]:
    """Yield every node of a form, outer ones first."""
    for node in nodes:
        yield node
        if isinstance(node, Group):
            yield from nodes_below(node.children)
        elif isinstance(node, Rows):
            yield from nodes_below(list(node.rows))


def tell(nodes: list[Node], field: str, problem: str) -> bool:
    """Put a problem beside the deepest node that its path leads to; return whether there is one."""
    best: Node | None = None
    for node in nodes_below(nodes):
        inside = field == node.path or field.startswith((f"{node.path}.", f"{node.path}["))
        if inside and node.path and (best is None or len(node.path) > len(best.path)):
            best = node
    if best is None:
        return False
    rest = field.removeprefix(best.path).lstrip(".")
    best.errors.append(f"{rest}: {problem}" if rest else problem)
    return True
