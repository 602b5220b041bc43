"""A draft, a part at a time: what the editor stores, and through the same checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from studies.api.drafts import refuse_unless_draft
from studies.api.finding import caller_of, need_scope, study_for
from studies.api.schemas import Given, StudyOut, Text
from studies.api.studies import told
from studies.enums import Ability, Scope
from studies.files import editing
from studies.files.beginning import beginning
from studies.files.editing import SECTIONS, Section, SectionError
from studies.files.errors import StudyFileError
from studies.models import Study

router = Router(tags=["editor"])
_PART = "/studies/{slug:slug}/parts/{part}"


class BeginningIn(Given):
    """What a first valid draft needs; the rest has defaults."""

    study: Annotated[Text, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    title: Annotated[Text, Field(min_length=1, max_length=200)]
    question: Annotated[Text, Field(min_length=1, max_length=300)] = "Which response is better?"
    source: Literal["checkpoint", "given"] = "checkpoint"
    system: Annotated[Text, Field(max_length=20_000)] = ""
    prompts: Annotated[list[Annotated[Text, Field(min_length=1)]], Field(min_length=1, max_length=10_000)]


class PartOut(Schema):
    """Some keys of the study file that are edited together."""

    part: str
    title: str
    meaning: str
    keys: list[str]
    version: str


class PartData(PartOut):
    """A part, and what the study file says in it; keys that have their defaults are absent."""

    data: dict[str, Any]


class DataIn(Given):
    """All that the part says from now on: a key that is absent takes its default."""

    data: dict[str, Any]


@router.post("/drafts", response={201: StudyOut}, operation_id="begin_study")
def begin(request: HttpRequest, response: HttpResponse, given: BeginningIn) -> Any:
    """Make a first valid draft from a title and some prompts; everything can still change."""
    need_scope(request, Scope.WRITE)
    caller, asked = caller_of(request), given.dict()
    always = {"system": given.system} if asked.pop("system").strip() else {}
    asked["prompts"] = [always | {"user": text} for text in given.prompts]
    study = editing.create_study(beginning(**asked), actor=caller.name, owner=caller.user)
    response["Location"] = f"/api/v1/studies/{study.slug}"
    return Status(201, told(request, response, study))


@router.get("/studies/{slug:slug}/parts", response=list[PartOut], operation_id="list_parts")
def list_parts(request: HttpRequest, slug: str) -> Any:
    """List the parts of a study file, as the editor has them."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    return [_part(section, editing.section_data(study, section)) for section in SECTIONS.values()]


@router.get(_PART, response=PartData, operation_id="read_part")
def read_part(request: HttpRequest, response: HttpResponse, slug: str, part: str) -> Any:
    """Read what the study file says in a part; its ETag can be the If-Match of a change."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    return _whole(response, study, _section(part))


@router.put(_PART, response=PartData, operation_id="change_part")
def change_part(request: HttpRequest, response: HttpResponse, slug: str, part: str, given: DataIn) -> Any:
    """Store a part of a draft anew; every other part stays as it is.

    With the part's ETag as If-Match, a part that somebody else has stored meanwhile is left alone.
    """
    section = _section(part)
    study = study_for(request, slug, Ability.EDIT, tag=lambda study: _tag(study, section))
    refuse_unless_draft(study)
    foreign = [key for key in given.data if key not in section.keys]
    if foreign:
        problem = f"is of another part; this one has {', '.join(section.keys)}"
        raise SectionError(StudyFileError(problem, name=section.title, field=key) for key in foreign)
    editing.store_section(study, section, given.data, actor=caller_of(request).name)
    return _whole(response, Study.objects.get(pk=study.pk), section)


def _section(name: str) -> Section:
    found = SECTIONS.get(name)
    if found is None:
        raise Http404(f"There is no part “{name}”. Parts: {', '.join(SECTIONS)}.")
    return found


def _tag(study: Study, section: Section) -> str:
    return f'"{editing.version_of(editing.section_data(study, section))}"'


def _whole(response: HttpResponse, study: Study, section: Section) -> dict[str, Any]:
    data = editing.section_data(study, section)
    response["ETag"] = _tag(study, section)
    return _part(section, data) | {"data": data}


def _part(section: Section, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "part": section.name,
        "title": section.title,
        "meaning": section.words,
        "keys": section.keys,
        "version": editing.version_of(data),
    }
