"""A draft as the study file's data, edited a section at a time and checked as the file is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.audit import canonical, sha256
from studies.domain.errors import StudyError
from studies.domain.plan import VERSION, study_document
from studies.files.errors import StudyFileError, spoken
from studies.files.importer import import_entry
from studies.files.nodes import parse
from studies.files.reader import check_data
from studies.files.writer import dump
from studies.models import Study

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """Some keys of the study file that are edited together."""

    name: str
    title: str
    words: str
    keys: tuple[str, ...]


SECTIONS: dict[str, Section] = {
    section.name: section
    for section in (
        Section(
            "basics",
            _("Texts"),
            _("What annotators read before the first comparison, and how responses are shown."),
            ("title", "description", "instructions", "consent", "minutes", "text", "answer_marker"),
        ),
        Section("prompts", _("Prompts"), _("What the arms answer."), ("prompts",)),
        Section(
            "arms",
            _("Arms"),
            _("The ways of writing responses, and which of them are compared."),
            ("arms", "comparisons", "draws", "replicates", "seed"),
        ),
        Section(
            "criteria",
            _("Criteria"),
            _("What annotators are asked about each pair."),
            ("criteria", "ties", "reasons", "differences"),
        ),
        Section(
            "collection",
            _("Collection"),
            _("How many judgments, and how comparisons are handed out."),
            ("overlap", "quota", "lease_minutes", "min_exposure_ms", "retention_days"),
        ),
        Section(
            "practice",
            _("Practice"),
            _("Pairs to practise with, and questions about the instructions."),
            ("practice", "comprehension"),
        ),
        Section(
            "checks",
            _("Checks"),
            _("Attention checks, repeats, and from which threshold on an annotator is left out."),
            ("checks", "repeats", "quality"),
        ),
        Section(
            "survey",
            _("Survey"),
            _("Questions after the comparisons, and a recruiting site's codes."),
            ("survey", "recruiting"),
        ),
        Section(
            "analysis",
            _("Analysis"),
            _("How the judgments will be analysed, fixed before there are any."),
            ("analysis",),
        ),
    )
}
"""By name, in the order of the editor. Together they hold every key but `evenhand` and `study`."""


class SectionError(StudyError):
    """A section that cannot be stored: each thing that is wrong, with its field."""

    def __init__(self, problems: Iterable[StudyFileError]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def section_data(study: Study, section: Section) -> Data:
    """Return what the study file says in a section."""
    document = study_document(study)
    return {key: document[key] for key in section.keys if key in document}


def version_of(data: Mapping[str, Any]) -> str:
    """Return what tells one version of a section from another."""
    return sha256(canonical(dict(data)))[:16]


def store_section(study: Study, section: Section, data: Mapping[str, Any], *, actor: str) -> Study:
    """Store a section of a draft; everything else stays as it is.

    Raises `SectionError` with all that is wrong, as the study file would say it.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        kept = {key: value for key, value in study_document(study).items() if key not in section.keys}
        return _store(kept | dict(data), study, name=section.title, actor=actor)


def create_study(data: Mapping[str, Any], *, actor: str, owner: User | None) -> Study:
    """Make a draft of a study file's data."""
    if Study.objects.filter(slug=data.get("study", "")).exists():
        taken = gettext("“%(value)s” is taken; choose another short name") % {"value": data["study"]}
        raise SectionError([StudyFileError(taken, name="editor", field="study")])
    return _store({"evenhand": VERSION, **data}, None, name="editor", actor=actor, owner=owner)


def _store(data: Data, study: Study | None, *, name: str, actor: str, owner: User | None = None) -> Study:
    entry, wrong = check_data(data, name=name)
    if entry is None:
        raise SectionError(wrong)
    try:
        return import_entry(entry, study, name=name, actor=actor, owner=owner)
    except StudyFileError as error:
        raise SectionError([error]) from error


def section_text(data: Mapping[str, Any]) -> str:
    """Return a section as YAML, as it stands in the study file."""
    return dump(dict(data)) if data else ""


def read_section(text: str, section: Section) -> Data:
    """Return the data of a section that was written as YAML."""
    if not text.strip():
        return {}
    content, lines = parse(text, name=section.title)
    if not isinstance(content, dict):
        raise SectionError([StudyFileError(gettext("write “key: value” lines"), name=section.title, line=1)])
    foreign = [key for key in content if key not in section.keys]
    if foreign:
        problem = gettext("belongs to no line of this section; it has %(names)s") % {
            "names": ", ".join(section.keys)
        }
        raise SectionError(
            [
                StudyFileError(problem, name=section.title, line=lines[str(key),], field=str(key))
                for key in foreign
            ]
        )
    return content


def located(problems: Iterable[StudyFileError], text: str, section: Section) -> list[StudyFileError]:
    """Return the problems with their lines in a section that was written as YAML.

    What is wrong with a key that is not there stands on the line of what it belongs to; what concerns
    another section has no line.
    """
    try:
        lines = {spoken(path): line for path, line in parse(text, name=section.title)[1].items() if path}
    except StudyFileError:
        lines = {}
    return [
        StudyFileError(
            problem.problem,
            name=section.title,
            line=problem.line or _line(problem.field, lines),
            field=problem.field,
        )
        for problem in problems
    ]


def _line(field: str, lines: Mapping[str, int]) -> int | None:
    while field and field not in lines:
        field = field[: max(field.rfind("."), field.rfind("["), 0)]
    return lines.get(field)


def read_value(text: str, *, field: str) -> Any:
    """Return one value that was written as YAML."""
    try:
        return parse(text, name="editor")[0]
    except StudyFileError as error:
        raise StudyFileError(error.problem, name="editor", line=error.line, field=field) from error


def copy_of(study: Study, *, name: str) -> Data:
    """Return the data of a study for a draft of another name: the seed too, so that it can be compared."""
    return study_document(study) | {"study": name}
