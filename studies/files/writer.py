"""From rows to a study file. Importing what this wrote and writing it again gives the same bytes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from studies.domain.plan import study_document
from studies.files import schema
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


_PARTS: tuple[type[schema.Entry], ...] = (
    schema.PracticeEntry,
    schema.WrittenCheckEntry,
    schema.ChecksEntry,
    schema.SurveyEntry,
    schema.ComprehensionEntry,
    schema.ReasonsEntry,
    schema.RecruitingEntry,
    schema.QualityEntry,
    schema.AnalysisEntry,
    schema.InterimEntry,
    schema.ExpectedEntry,
)
_ORDER = {
    name: place for place, name in enumerate(dict.fromkeys(n for part in _PARTS for n in part.model_fields))
}
_STORED = ("checks", "practice", "comprehension", "quality", "analysis", "survey", "reasons", "recruiting")
"""The keys whose values are kept as JSON, of which PostgreSQL changes the order of keys."""


def _ordered(value: Any) -> Any:
    """Return plain data with its keys in the order of the schema."""
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if isinstance(value, dict):
        return {
            key: _ordered(value[key]) for key in sorted(value, key=lambda key: (_ORDER.get(key, -1), key))
        }
    return value


def export_study(study: Study) -> str:
    """Return the study file of ``study``."""
    document: dict[str, Any] = study_document(study)
    return dump(document | {key: _ordered(document[key]) for key in _STORED if key in document})


def dump(data: dict[str, Any]) -> str:
    """Return plain data as the study file writes it."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
