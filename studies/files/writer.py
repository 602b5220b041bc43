"""From rows to a study file. Importing what this wrote and writing it again gives the same bytes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from studies.domain.plan import study_document
from studies.models import Study


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, long texts as blocks, nothing folded."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the base class's signature
        super().increase_indent(flow, False)  # noqa: FBT003 - as above


# Line breaks of other kinds, which a reader turns into spaces or plain newlines unless they are escaped.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if _OTHER_BREAKS.search(value):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def export_study(study: Study) -> str:
    """Return the study file of ``study``."""
    return dump(study_document(study))


def dump(data: dict[str, Any]) -> str:
    """Return plain data as the study file writes it."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
