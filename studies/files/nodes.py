"""YAML to plain data, safely, remembering on which line each value stands."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import yaml
from django.utils.translation import gettext
from yaml.constructor import SafeConstructor

from studies.files.errors import Path, StudyFileError, spoken

MAX_BYTES = 5 * 2**20
MAX_DEPTH = 12
MAX_NODES = 200_000
_MEBIBYTE = 2**20

Lines = dict[Path, int]
# libyaml's parser where PyYAML has it: ten times as fast, the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_bytes(path: FilePath, *, most: int = MAX_BYTES) -> bytes:
    """Return what a file holds; one that is too large is refused before it is read."""
    try:
        _refuse_size(path.stat().st_size, name=path.name, most=most)
        return path.read_bytes()
    except OSError as error:
        raise StudyFileError(
            gettext("cannot be read: %(strerror)s") % {"strerror": error.strerror}, name=str(path)
        ) from error


def _refuse_size(size: int, *, name: str, most: int) -> None:
    if size > most:
        told, limit = (
            gettext("%(value)s MB") % {"value": f"{size / _MEBIBYTE:.0f}"},
            gettext("%(value)s MB") % {"value": most // _MEBIBYTE},
        )
        raise StudyFileError(
            gettext("the file has %(told)s; at most %(limit)s are read. Make it smaller.")
            % {"told": told, "limit": limit},
            name=name,
        )


def decode(data: bytes, *, name: str, most: int = MAX_BYTES) -> str:
    """Return the text of a file of at most ``most`` bytes, or say why it is none."""
    _refuse_size(len(data), name=name, most=most)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StudyFileError(
            gettext("byte %(value)s is not UTF-8; save the file as UTF-8") % {"value": error.start + 1},
            name=name,
            line=line,
        ) from error


def parse(text: str, *, name: str) -> tuple[Any, Lines]:
    """Return plain data and the line of each value.

    Aliases, anchors and tags are refused, so a small file cannot unfold into a large one and no
    object can be built; so are repeated keys, which YAML parsers otherwise drop in silence.
    """
    try:
        _refuse_dangerous_events(text, name=name)
        node = yaml.compose(text, Loader=_LOADER)
        lines: Lines = {(): 1}
        if node is None:
            raise StudyFileError(gettext("the file is empty"), name=name, line=1)
        _walk(node, (), lines, name=name)
        return SafeConstructor().construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = gettext("this is not YAML: %(value)s") % {"value": error.problem or error.context}
        raise StudyFileError(problem, name=name, line=mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problem = " ".join(str(error).split())
        raise StudyFileError(
            gettext("this is not YAML: %(problem)s") % {"problem": problem}, name=name
        ) from error


def _refuse_dangerous_events(text: str, *, name: str) -> None:
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise StudyFileError(
                gettext("anchors (&) and aliases (*) are not used in study files; repeat the value"),
                name=name,
                line=line,
            )
        if tag := getattr(event, "tag", None):
            raise StudyFileError(
                gettext("tags (%(tag)s) are not used in study files") % {"tag": tag}, name=name, line=line
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH:
            raise StudyFileError(
                gettext("nested deeper than %(MAX_DEPTH)s levels") % {"MAX_DEPTH": MAX_DEPTH},
                name=name,
                line=line,
            )
        if nodes > MAX_NODES:
            raise StudyFileError(
                gettext("more than %(MAX_NODES)s values") % {"MAX_NODES": f"{MAX_NODES:,}"},
                name=name,
                line=line,
            )


def _walk(node: yaml.Node, path: Path, lines: Lines, *, name: str) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, name=name)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise StudyFileError(
                    gettext("a key must be a word"), name=name, line=line, field=spoken(path)
                )
            here = (*path, str(key.value))
            if here in lines:
                raise StudyFileError(
                    gettext("the key appears a second time; the first is on line %(value)s")
                    % {"value": lines[here]},
                    name=name,
                    line=line,
                    field=spoken(here),
                )
            _walk(value, here, lines, name=name)
            lines[here] = line
