"""From bytes to a checked study, or one error that says where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from studies.files.errors import Path as Trail
from studies.files.errors import StudyFileError, spoken
from studies.files.nodes import Lines, decode, parse
from studies.files.prompts import read_beside
from studies.files.rows import Rows
from studies.files.rules import problems
from studies.files.schema import StudyEntry


class _Locator:
    """Finds the file and line of a value, whichever file it stands in."""

    def __init__(self, name: str, lines: Lines, beside: tuple[str, Rows] | None) -> None:
        self._name, self._lines, self._beside = name, lines, beside

    def error(self, trail: Trail, problem: str) -> StudyFileError:
        """Return the error for the value at ``trail``."""
        match (self._beside, trail):
            case ((name, rows), ("prompts", int(index), *rest)):
                return StudyFileError(problem, name=name, line=rows[index][0], field=spoken(tuple(rest)))
        known = trail
        while known and known not in self._lines:
            known = known[:-1]
        return StudyFileError(problem, name=self._name, line=self._lines.get(known), field=spoken(trail))


def read_study(data: bytes, *, name: str, folder: Path | None = None) -> StudyEntry:
    """Return the checked content of a study file.

    Raises `StudyFileError` for the first thing that is wrong, in the order of the file.
    """
    content, lines = parse(decode(data, name=name), name=name)
    if not isinstance(content, dict):
        raise StudyFileError(gettext("a study file is a list of “key: value” lines"), name=name, line=1)
    content, beside = _with_prompts(content, lines, name=name, folder=folder)
    locator = _Locator(name, lines, beside)
    try:
        entry = StudyEntry.model_validate(content)
    except ValidationError as error:
        raise _all(error, locator)[0] from error
    for trail, problem in problems(entry):
        raise locator.error(trail, problem)
    return entry


def check_data(content: dict[str, Any], *, name: str) -> tuple[StudyEntry | None, list[StudyFileError]]:
    """Return the entry that plain data makes, or none and everything that is wrong with it."""
    locator = _Locator(name, {}, None)
    try:
        entry = StudyEntry.model_validate(content)
    except ValidationError as error:
        return None, _all(error, locator)
    wrong = [locator.error(trail, problem) for trail, problem in problems(entry)]
    return (None if wrong else entry), wrong


def _with_prompts(
    content: dict[str, Any], lines: Lines, *, name: str, folder: Path | None
) -> tuple[dict[str, Any], tuple[str, Rows] | None]:
    prompts = content.get("prompts")
    if prompts is None or isinstance(prompts, list):
        return content, None
    beside = read_beside(prompts, folder=folder, name=name, line=lines.get(("prompts",)))
    return content | {"prompts": [row for _, row in beside[1]]}, beside


def _all(error: ValidationError, locator: _Locator) -> list[StudyFileError]:
    """Return the errors by line. Missing keys come last: a misspelt key explains a missing one."""
    details = error.errors(include_url=False)
    found = [
        (detail["type"] == "missing", locator.error(tuple(detail["loc"]), problem_of(detail)))
        for detail in details
    ]
    return [one for _, one in sorted(found, key=lambda one: (one[0], one[1].line or 0))]


_SHOWN = 60
_PLAIN = {
    "extra_forbidden": _("unknown key; see docs/study-file.md for the keys there are"),
    "missing": _("is missing"),
}
_SHOWING = {
    "string_type": _("is not text; put it in quotes"),
    "float_type": _("is not a number"),
    "int_type": _("is not a number"),
    "bool_type": _("is neither true nor false"),
    "string_pattern_mismatch": _("is no name; use letters, digits and hyphens"),
}


_LIMITS = {
    "greater_than": _("input should be greater than %(gt)s"),
    "greater_than_equal": _("input should be greater than or equal to %(ge)s"),
    "less_than": _("input should be less than %(lt)s"),
    "less_than_equal": _("input should be less than or equal to %(le)s"),
    "literal_error": _("input should be %(expected)s"),
    "string_too_long": _("text should have at most %(max_length)s characters"),
    "string_too_short": _("text should have at least %(min_length)s characters"),
}


def _limit(detail: ErrorDetails) -> str:
    kind, said = detail["type"], str(detail["msg"])
    # Pydantic speaks English alone, and in sentences.
    return gettext(_LIMITS[kind]) % detail["ctx"] if kind in _LIMITS else said[:1].lower() + said[1:]


def problem_of(detail: ErrorDetails) -> str:
    """Return what is wrong with a value, in the words of this product."""
    kind, said = detail["type"], str(detail["msg"])
    given = repr(detail["input"])
    given = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
    if kind in _PLAIN:
        return gettext(_PLAIN[kind])
    if kind in _SHOWING:
        return f"{given} {gettext(_SHOWING[kind])}"
    if kind == "value_error":
        return said.removeprefix("Value error, ")
    return gettext("%(given)s will not do: %(problem)s") % {"given": given, "problem": _limit(detail)}
