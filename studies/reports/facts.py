"""What a report knew, as JSON and back: frozen dataclasses, tuples and arrays come back as they were.

Only dataclasses and named tuples of this program are named in it, so reading one makes no other object.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

_HOME = "studies."


def pack(value: Any) -> bytes:
    """Return a value as JSON that `unpack` understands.

    >>> unpack(pack((1, {"a": [0.1, None]})))
    (1, {'a': [0.1, None]})
    """
    return json.dumps(_plain(value), ensure_ascii=False).encode()


def unpack(data: bytes) -> Any:
    """Return the value that was packed."""
    return _whole(json.loads(data))


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, list):
        return list(map(_plain, value))
    return _tagged(value)


def _tagged(value: Any) -> dict[str, Any]:
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
        return {**_named(value, [getattr(value, name) for name in names]), "fields": names}
    match value:
        case dict():
            return {"is": "dict", "of": [[_plain(key), _plain(inner)] for key, inner in value.items()]}
        case np.ndarray() | np.generic():
            return {"is": "array", "of": value.tolist(), "type": str(value.dtype)}
        case bytes():
            return {"is": "bytes", "of": value.hex()}
        case tuple():
            plain = type(value) is tuple
            return {"is": "tuple", "of": list(map(_plain, value))} if plain else _named(value, value)
        case str():  # a word of a closed vocabulary
            return {"is": "str", "of": str(value)}
    message = f"A report cannot keep a {type(value).__name__}."
    raise TypeError(message)


def _named(value: Any, inner: Any) -> dict[str, Any]:
    kind = type(value)
    return {"is": f"{kind.__module__}:{kind.__qualname__}", "of": list(map(_plain, inner))}


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value["is"] in _LEAVES:
        return _LEAVES[value["is"]](value)
    inner = [_whole(each) for each in value["of"]]
    match value["is"]:
        case "tuple":
            return tuple(inner)
        case "dict":
            return dict(inner)
        case kind:
            found = _class(kind)
            _check_fields(found, value.get("fields"))
            return found(*inner)


def _check_fields(kind: Any, names: list[str] | None) -> None:
    """Refuse values that were kept under other names: by their order alone they could change places."""
    known = [field.name for field in fields(kind)] if is_dataclass(kind) else None
    if names is not None and names != known:
        gone = ", ".join(sorted({*names} ^ {*(known or ())})) or "in another order"
        message = f"{kind.__name__} has other fields now: {gone}"
        raise ValueError(message)


def _array(value: dict[str, Any]) -> Any:
    made = np.array(value["of"], dtype=value["type"])
    return made if made.ndim else made[()]


_LEAVES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "array": _array,
    "bytes": lambda value: bytes.fromhex(value["of"]),
    "str": lambda value: value["of"],
}


def _class(kind: str) -> Any:
    module, _, name = kind.partition(":")
    found = getattr(import_module(module), name, None) if module.startswith(_HOME) else None
    if not (is_dataclass(found) or (isinstance(found, type) and issubclass(found, tuple))):
        message = f"A report names {kind}, which this version of the program does not know."
        raise ValueError(message)
    return found
