"""The editor's forms carry every key of the study file: the file's schema is walked, key by key."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from django.http import QueryDict
from pydantic import BaseModel

from studies.files.nodes import parse
from studies.files.schema import PromptEntry, StudyEntry
from studies.forms.entries import Input, form_of, nodes_below
from studies.forms.entry_reading import Posted

EVERYTHING = Path(__file__).parents[1] / "files" / "everything.yaml"
NOT_EDITED = {"evenhand", "study"}
"""The version of the format, and the name, which is fixed when a study is made."""


def entries_in(annotation: Any) -> Iterator[tuple[type[BaseModel], bool]]:
    """Yield the parts that a key's type holds, and whether as a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False
    for inner in () if get_origin(annotation) is Literal else get_args(annotation):
        for model, _ in entries_in(inner):
            yield model, get_origin(annotation) is list


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key that holds a value, as ``arms[].endpoint.model``, with its type."""
    for key, info in model.model_fields.items():
        here = f"{path}.{key}".removeprefix(".")
        parts = list(entries_in(info.annotation))
        for part, listed in parts:
            yield from leaves(part, f"{here}[]" if listed else here)
        if not parts:
            yield here, info.annotation


def one_of_each(model: type[BaseModel]) -> dict[str, Any]:
    """Return data with an empty row in every list of parts, and every part there."""
    data: dict[str, Any] = {}
    for key, info in model.model_fields.items():
        for part, listed in entries_in(info.annotation):
            data[key] = [one_of_each(part)] if listed else one_of_each(part)
    return data


@cache
def fields(model: type[BaseModel]) -> dict[str, Input]:
    """Return the fields of a form that holds one row of everything, by their paths in the schema."""
    data = one_of_each(model)
    # A conversation's turns are written as YAML, so they are no rows.
    data = {key: ([{}] if key == "prompts" else value) for key, value in data.items()}
    nodes = nodes_below(form_of(model, data))
    return {re.sub(r"\[0\]", "[]", node.path): node for node in nodes if isinstance(node, Input)}


KEYS = [(path, kind) for path, kind in leaves(StudyEntry) if path not in NOT_EDITED]


def field_for(path: str) -> Input | None:
    """Return the field that says a key: its own, or one that says all below it as YAML."""
    there = fields(StudyEntry)
    if path in there:
        return there[path]
    above = [field for name, field in there.items() if path.startswith((f"{name}.", f"{name}["))]
    return next((field for field in above if field.kind == "yaml"), None)


@pytest.mark.parametrize("path", [path for path, _ in KEYS])
def test_every_key_of_the_file_has_a_field_with_words(path):
    field = field_for(path)

    assert field is not None, f"the editor cannot say {path}"
    assert field.label


@pytest.mark.parametrize("path", [path for path, _ in KEYS])
def test_what_is_written_into_a_field_arrives_at_its_key(path):
    field = field_for(path)
    post = QueryDict(mutable=True)
    for row in re.finditer(r"\[0\]", field.path):
        post[f"{field.path[: row.end()]}:row"] = "1"
    # A server is there once something is written of it; what is chosen or ticked does not count.
    post["arms[0].endpoint.model"] = "x"
    post["arms[0]:row"] = "1"
    post[field.name] = _written(field)
    if field.kind == "flag" and field.value:
        del post[field.name]

    said = Posted(post).entry(StudyEntry, {})

    assert _at(said, field.path) == {"number": 7, "yaml": ["x"], "lines": ["x"], "flag": not field.value}.get(
        field.kind, _written(field)
    )


def _written(field: Input) -> str:
    if field.kind == "choice":
        return field.choices[-1][0]
    return {"number": "7", "flag": "on", "yaml": "- x"}.get(field.kind, "x")


def _at(data: Any, path: str) -> Any:
    for key in re.findall(r"\w+", path):
        data = data[int(key)] if key.isdigit() else data[key]
    return data


def test_no_field_says_what_the_file_has_no_key_for():
    known = {path for path, _ in leaves(StudyEntry)}
    written_as_yaml = {"prompts[].messages"}

    assert set(fields(StudyEntry)) - known - written_as_yaml == set()


def test_the_file_with_everything_says_every_key():
    said = set(_said(parse(EVERYTHING.read_text(encoding="utf-8"), name="everything.yaml")[0]))

    # Of what may be anything, it is enough that something is said.
    keys = [path for path, _ in leaves(StudyEntry)]
    missing = {
        path for path in keys if path not in said and not any(one.startswith(f"{path}.") for one in said)
    }

    assert missing == set()


def _said(data: Any, path: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _said(value, f"{path}.{key}".removeprefix("."))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for value in data:
            yield from _said(value, f"{path}[]")
    else:
        yield path


def test_one_prompt_has_the_fields_of_its_entry():
    alone = {path for path, _ in leaves(PromptEntry) if "[]" not in path}

    assert set(fields(PromptEntry)) - {"messages"} == alone - {"messages"}
