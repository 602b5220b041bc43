"""The prompts of a draft: listed, added, changed and removed one by one."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Body, Query, Router, Schema, Status
from ninja.errors import ValidationError

from studies.api.drafts import refuse_unless_draft
from studies.api.finding import caller_of, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.problems import ProblemError
from studies.api.schemas import Given, Text
from studies.enums import Ability
from studies.files import editing
from studies.files.editing import SECTIONS
from studies.files.pasted import Prompts, named, uploaded
from studies.files.reader import read_study
from studies.models import Study
from studies.presets.catalogue import PRESETS, preset_file

router = Router(tags=["editor"])
_SECTION = SECTIONS["prompts"]
_ALL = "/studies/{slug:slug}/prompts"
_ONE = f"{_ALL}/{{prompt}}"
_FILES = {"text/csv": "prompts.csv", "application/jsonl": "prompts.jsonl"}


class PromptsIn(Given):
    """Prompts as the study file has them, or those of a preset; `replace`: in place of those there."""

    prompts: list[dict[str, Any]] | None = None
    preset: Text = ""
    replace: bool = False


class PromptsAdded(Schema):
    """How many came, and how many there are now."""

    added: int
    prompts: int


class FileQuery(Schema):
    """Whether a file's prompts stand in place of those there."""

    replace: bool = False


_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": PromptsIn.json_schema()},
        **{kind: {"schema": {"type": "string"}} for kind in _FILES},
    },
}


@router.get(_ALL, response=Page[dict[str, Any]], operation_id="list_prompts")
def list_prompts(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the prompts as the study file has them."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    return paged(request, response, query, _there(study), list)


@router.post(
    _ALL,
    response={201: PromptsAdded},
    operation_id="add_prompts",
    openapi_extra={"requestBody": _BODY},
)
def add(request: HttpRequest, slug: str, query: Query[FileQuery]) -> Any:
    """Add prompts to a draft: JSON, a CSV, JSON Lines, or those of a preset. All of them, or none.

    Prompts without a name get the next free one: p1, p2 and so on.
    """
    study = study_for(request, slug, Ability.EDIT)
    refuse_unless_draft(study)
    new, replace = _new(request, replace=query.replace)
    there = [] if replace else _there(study)
    all_of_them = there + named(new, taken=there)
    _store(request, study, all_of_them)
    return Status(201, {"added": len(new), "prompts": len(all_of_them)})


@router.get(_ONE, response=dict[str, Any], operation_id="read_prompt")
def read_prompt(request: HttpRequest, response: HttpResponse, slug: str, prompt: str) -> Any:
    """Read one prompt; its ETag can be the If-Match of a change."""
    one = _named(_there(study_for(request, slug, Ability.SEE_DESIGN)), prompt)
    response["ETag"] = _tag(one)
    return one


@router.put(_ONE, response=dict[str, Any], operation_id="change_prompt")
def change_prompt(
    request: HttpRequest, response: HttpResponse, slug: str, prompt: str, given: Body[dict[str, Any]]
) -> Any:
    """Store one prompt of a draft anew, in its place; without `id` it keeps its name."""
    study = study_for(request, slug, Ability.EDIT, tag=lambda study: _tag(_named(_there(study), prompt)))
    refuse_unless_draft(study)
    there, changed = _there(study), {"id": prompt, **given}
    place = there.index(_named(there, prompt))
    study = _store(request, study, [*there[:place], changed, *there[place + 1 :]])
    stored = _there(study)[place]
    response["ETag"] = _tag(stored)
    return stored


@router.delete(_ONE, response={204: None}, operation_id="remove_prompt")
def remove_prompt(request: HttpRequest, slug: str, prompt: str) -> Any:
    """Take one prompt out of a draft."""
    study = study_for(request, slug, Ability.EDIT, tag=lambda study: _tag(_named(_there(study), prompt)))
    refuse_unless_draft(study)
    there = _there(study)
    gone = _named(there, prompt)
    _store(request, study, [one for one in there if one is not gone])
    return Status(204, None)


def _new(request: HttpRequest, *, replace: bool) -> tuple[Prompts, bool]:
    """Return the prompts that were sent, and whether they stand in place of those there."""
    kind = request.content_type or ""
    if kind in _FILES:
        return [row for _, row in uploaded(request.body, name=_FILES[kind])], replace
    if kind != "application/json":
        raise ProblemError("media-type", f"Prompts are sent as application/json, {' or '.join(_FILES)}.")
    try:
        given = PromptsIn.model_validate_json(request.body)
    except ValueError as error:
        found: list[Any] = getattr(error, "errors", list)()
        raise ValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from error
    if (given.prompts is None) == (not given.preset):
        raise ProblemError("invalid", "Send “prompts” or the name of a “preset”: one of the two.")
    if given.prompts is not None:
        return given.prompts, given.replace or replace
    if given.preset not in PRESETS:
        raise ProblemError("invalid", f"There is no preset “{given.preset}”. Presets: {', '.join(PRESETS)}.")
    entry = read_study(preset_file(given.preset), name=given.preset)
    return [one.model_dump(exclude_defaults=True) for one in entry.prompts], given.replace or replace


def _there(study: Study) -> Prompts:
    found: Prompts = editing.section_data(study, _SECTION)["prompts"]
    return found


def _named(prompts: Prompts, name: str) -> dict[str, Any]:
    found = next((one for one in prompts if one["id"] == name), None)
    if found is None:
        raise Http404(f"The study has no prompt “{name}”.")
    return found


def _tag(prompt: dict[str, Any]) -> str:
    return f'"{editing.version_of(prompt)}"'


def _store(request: HttpRequest, study: Study, prompts: Prompts) -> Study:
    return editing.store_section(study, _SECTION, {"prompts": prompts}, actor=caller_of(request).name)
