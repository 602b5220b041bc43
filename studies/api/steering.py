"""What a study does beside its plan, or before its end; copies of it; everything out of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Field, Query, Router, Schema, Status

from studies.api.finding import caller_of, need, need_scope, study_for
from studies.api.schemas import Given, StudyOut, Text
from studies.api.studies import told
from studies.domain.audit import record_event
from studies.domain.early_unblinding import unblind_early
from studies.domain.extending import MOST, extend_study
from studies.enums import Ability, Scope
from studies.exports.package import folder_of, note_export, zip_bytes
from studies.exports.preferences import WRITERS, Form, Ties, Wish, check_wish
from studies.files.adding import add_given
from studies.files.cloning import copy_study
from studies.reports.errors import ReportError
from studies.reports.export import filename
from studies.reports.looks import looks_taken, planned_looks, take_look

router = Router(tags=["steering and export"])
Reason = Annotated[Text, Field(min_length=1, max_length=2000)]


class ExtensionIn(Given):
    """How often each comparison is judged in all, and why that deviates from the plan."""

    overlap: Annotated[int, Field(ge=1, le=MOST)]
    reason: Reason


class AdditionIn(Given):
    """Prompts as the study file says them, an `id` optional, and why they deviate from the plan."""

    prompts: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]
    reason: Reason


class UnblindingIn(Given):
    """Why, and the study's short name to confirm it."""

    reason: Reason
    confirmed: Annotated[Text, Field(max_length=60)]


class LookOut(Schema):
    """A look that was taken."""

    number: int
    at: str
    judgments: int
    data_sha256: str
    stop: bool


class LooksOut(Schema):
    """The plan's looks, and those taken."""

    planned: list[dict[str, Any]]
    taken: list[LookOut]


class CopyIn(Given):
    """What the copy is called, and whether the finished completions come along."""

    study: Annotated[Text, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    completions: bool = False


class ExportQuery(Schema):
    """Whether what annotators said of themselves comes along."""

    personal: bool = False


class WishQuery(Schema):
    """Which preference pairs."""

    criterion: Text = ""
    share: float = Field(0.5, ge=0.5, le=1)
    least: int = Field(1, ge=1, le=1000)
    ties: Ties = Ties.AGAINST
    excluded: bool = False
    form: Form | None = None


@router.post("/studies/{slug:slug}/extension", response=StudyOut, operation_id="extend_study")
def extend(request: HttpRequest, response: HttpResponse, slug: str, given: ExtensionIn) -> Any:
    """Ask for more judgments of each comparison than planned: a deviation that the report states."""
    study = study_for(request, slug, Ability.CONDUCT)
    actor = caller_of(request).name
    study = extend_study(study=study, overlap=given.overlap, reason=given.reason, actor=actor)
    return told(request, response, study)


@router.post("/studies/{slug:slug}/additions", response=StudyOut, operation_id="extend_by_prompts")
def add_prompts(request: HttpRequest, response: HttpResponse, slug: str, given: AdditionIn) -> Any:
    """Add prompts to an open study: written by the workers, then judged like the others."""
    study = study_for(request, slug, Ability.CONDUCT)
    study = add_given(study, given.prompts, reason=given.reason, actor=caller_of(request).name)
    return told(request, response, study)


@router.post("/studies/{slug:slug}/unblinding", response=StudyOut, operation_id="unblind_early")
def unblind(request: HttpRequest, response: HttpResponse, slug: str, given: UnblindingIn) -> Any:
    """Unblind a study before it is closed, for good: the log keeps why, and the report states it."""
    study = study_for(request, slug, Ability.UNBLIND_EARLY)
    actor = caller_of(request).name
    study = unblind_early(study=study, reason=given.reason, confirmed=given.confirmed, actor=actor)
    return told(request, response, study)


@router.get("/studies/{slug:slug}/looks", response=LooksOut, operation_id="list_looks")
def list_looks(request: HttpRequest, slug: str) -> Any:
    """List the plan's interim looks and those taken; they tell whether to stop, and no result."""
    study = study_for(request, slug, Ability.SEE_RESULTS)
    return {
        "planned": [asdict(one) for one in planned_looks(study)],
        "taken": [asdict(one) for one in looks_taken(study)],
    }


@router.post("/studies/{slug:slug}/looks", response={201: LookOut}, operation_id="take_look")
def look(request: HttpRequest, slug: str) -> Any:
    """Hold the judgments so far against the plan's rule; the log keeps that it was done."""
    study = study_for(request, slug, Ability.SEE_RESULTS)
    need(request, study, Ability.CONDUCT)
    return Status(201, asdict(take_look(study=study, actor=caller_of(request).name)))


@router.post("/studies/{slug:slug}/copies", response={201: StudyOut}, operation_id="copy_study")
def copy(request: HttpRequest, response: HttpResponse, slug: str, given: CopyIn) -> Any:
    """Make a draft that says what this study says."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    need_scope(request, Scope.WRITE)
    caller = caller_of(request)
    made, _ = copy_study(
        study, name=given.study, completions=given.completions, actor=caller.name, owner=caller.user
    )
    response["Location"] = f"/api/v1/studies/{made.slug}"
    return Status(201, told(request, response, made))


@router.get("/studies/{slug:slug}/export.zip", operation_id="export_everything")
def export(request: HttpRequest, slug: str, query: Query[ExportQuery]) -> Any:
    """Stream a ZIP of everything; what names arms only once the study is closed."""
    study = study_for(request, slug, Ability.EXPORT)
    if query.personal:
        need(request, study, Ability.SEE_PERSONAL)
    note_export(study, actor=caller_of(request).name, personal=query.personal)
    answer = StreamingHttpResponse(zip_bytes(study, personal=query.personal), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{folder_of(study)}.zip"'
    return answer


@router.get("/studies/{slug:slug}/preferences.{fmt}", operation_id="read_preferences")
def preferences(
    request: HttpRequest, slug: str, fmt: Literal["jsonl", "parquet"], query: Query[WishQuery]
) -> Any:
    """Stream the preference pairs of a closed study, as training programs expect them."""
    study = study_for(request, slug, Ability.EXPORT)
    if not study.unblinded:
        raise ReportError("Preference pairs say which arm wrote what: they can be had once it is closed.")
    wish = Wish(**query.dict())
    check_wish(study, wish)
    name = filename(study, "preferences", fmt)
    record_event(actor=caller_of(request).name, action="file.downloaded", study=study, after={"file": name})
    answer = StreamingHttpResponse(WRITERS[fmt](study, wish), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
