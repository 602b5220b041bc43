"""From a posted form to the study file's data. What is no number stays as it is, for the check to name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_origin

from django.http import QueryDict
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from studies.files.editing import read_value
from studies.files.errors import StudyFileError
from studies.forms.entries import bare, is_entry, joined, list_of

ABSENT = object()


class Posted:
    """A posted form, and what was there before it."""

    def __init__(self, post: QueryDict) -> None:
        self._post = post
        self.problems: list[StudyFileError] = []
        self._sent = frozenset(post)

    def entry(
        self, model: type[BaseModel], before: Any, *, path: str = "", keys: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Return the data of an entry, without what stays at its default."""
        earlier = before if isinstance(before, Mapping) else {}
        found: dict[str, Any] = {}
        for key, info in model.model_fields.items():
            if keys and key not in keys:
                continue
            value = self._value(joined(path, key), info, earlier.get(key))
            if value is not ABSENT:
                found[key] = value
        return found

    def _value(self, path: str, info: FieldInfo, before: Any) -> Any:
        kind, optional = bare(info.annotation)
        if inner := list_of(kind):
            return self.rows(inner, path, before) or ABSENT
        if is_entry(kind):
            if optional and not self._filled(kind, path):
                return ABSENT
            return self.entry(kind, before, path=path) or ABSENT
        if kind is bool:
            default = bool(info.default) if info.default is not None else False
            ticked = path in self._sent
            return ABSENT if ticked == default else ticked
        return self._scalar(path, kind, before)

    def _scalar(self, path: str, kind: Any, before: Any) -> Any:
        if f"{path}:yaml" in self._sent:
            return self._yaml(path)
        text = _newlines(self._post.get(path, ""))
        if text == "":
            return ABSENT
        if kind in (int, float):
            return _number(text.strip(), kind)
        if get_origin(kind) is list:
            return [line.strip() for line in text.split("\n") if line.strip()] or ABSENT
        # A browser sends other line breaks than some texts have; what nobody touched stays as it was.
        return before if isinstance(before, str) and _newlines(before) == text else text

    def _yaml(self, path: str) -> Any:
        text = _newlines(self._post.get(f"{path}:yaml", ""))
        if not text.strip():
            return ABSENT
        try:
            return read_value(text, field=path)
        except StudyFileError as error:
            self.problems.append(error)
            return text

    def rows(self, model: type[BaseModel], path: str, before: Any) -> list[dict[str, Any]]:
        """Return the rows of a list, in the order of their numbers."""
        marker = re.compile(rf"^{re.escape(path)}\[(\d{{1,6}})\]:row$")
        numbers = sorted(int(found[1]) for name in self._sent if (found := marker.match(name)))
        earlier = before if isinstance(before, list) else []
        return [
            self.entry(model, earlier[number] if number < len(earlier) else None, path=f"{path}[{number}]")
            for number in numbers
        ]

    def _filled(self, model: type[BaseModel], path: str) -> bool:
        """Return whether anything was written into a part that may be absent; choices do not count."""
        for key, info in model.model_fields.items():
            kind, _ = bare(info.annotation)
            name = joined(path, key)
            said = self._post.get(name, "") or self._post.get(f"{name}:yaml", "")
            if kind is not bool and get_origin(kind) is not Literal and said.strip():
                return True
        return False


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(text: str, kind: Any) -> Any:
    for read in (int, float) if kind is float else (int,):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def rearrange(data: Any, wanted: str) -> Any:
    """Add, remove or move a row of a section's ``data``, as a button's value says it: ``remove arms[1]``."""
    found = re.match(r"^(add|remove|up) ([a-z_.]+)(?:\[(\d{1,6})\])?$", wanted)
    if found is None:
        return data
    verb, trail, number = found[1], found[2].split("."), int(found[3] or 0)
    holder = data
    for key in trail[:-1]:
        holder = holder.setdefault(key, {})
    rows = holder.setdefault(trail[-1], [])
    if verb == "add":
        rows.append({})
    elif number < len(rows):
        row = rows.pop(number)
        if verb == "up":
            rows.insert(max(0, number - 1), row)
    return data
