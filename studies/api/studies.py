"""Studies: the list, a study, its file, its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Schema, Status

from generation.models import Completion
from studies.api.finding import caller_of, etag_of, need, need_scope, study_facts, study_for
from studies.api.paging import Page, PageQuery, page_of, paged
from studies.api.problems import ProblemError
from studies.api.schemas import (
    CheckOut,
    FailureOut,
    ImportedOut,
    LinkIn,
    LinkOut,
    MoveIn,
    StatusOut,
    StudyOut,
    Text,
)
from studies.api.uploads import body_as_file, study_file
from studies.domain import generating, lifecycle
from studies.domain.access import visible_studies
from studies.domain.invariants import violations
from studies.domain.invites import annotators_link, limit_invite, renew_invite
from studies.enums import Ability, Scope, StudyStatus
from studies.files.completions import MAX_BYTES, import_completions, places
from studies.files.importer import import_upload
from studies.files.writer import export_study
from studies.models import Study
from studies.queries.failures import failed_completions
from studies.queries.status import status

router = Router(tags=["studies"])
_BROKEN = 100
"""Violations that are told."""
_FILES = ["application/yaml", "application/json", "multipart/form-data"]
_COMPLETIONS = {"application/jsonl": "completions.jsonl", "text/csv": "completions.csv"}
MOVES: dict[str, tuple[Ability, Callable[..., Any]]] = {
    "generate": (Ability.GENERATE, lifecycle.start_generation),
    "retry": (Ability.GENERATE, generating.retry_generation),
    "pause-generation": (Ability.GENERATE, generating.pause_generation),
    "resume-generation": (Ability.GENERATE, generating.resume_generation),
    "cancel-generation": (Ability.GENERATE, generating.cancel_generation),
    "open": (Ability.CONDUCT, lifecycle.open_study),
    "pause": (Ability.CONDUCT, lifecycle.pause_study),
    "resume": (Ability.CONDUCT, lifecycle.resume_study),
    "close": (Ability.CONDUCT, lifecycle.close_study),
    "archive": (Ability.CONDUCT, lifecycle.archive_study),
    "renew-link": (Ability.CONDUCT, renew_invite),
}
"""The moves in a study's life: the same as the dashboard's buttons."""


class CompletionsQuery(Schema):
    """Whose completions they are, where the rows do not say."""

    arm: Text = ""


class PlaceOut(Schema):
    """A completion that is still to come."""

    prompt: str
    arm: str
    replicate: int


def told(request: HttpRequest, response: HttpResponse, study: Study) -> dict[str, Any]:
    """Return a study's facts, with their ETag on the answer."""
    facts = study_facts(caller_of(request), study)
    response["ETag"] = etag_of(study, facts)
    return facts


@router.get("/studies", response=Page[StudyOut], operation_id="list_studies")
def list_studies(request: HttpRequest, response: HttpResponse, query: Query[PageQuery]) -> Any:
    """List the studies that the account has a part in, the newest first."""
    need_scope(request, Scope.READ)
    caller = caller_of(request)
    mine = visible_studies(caller.user)
    for study in mine.filter(status=StudyStatus.GENERATING):
        lifecycle.settle(study)
    rows = mine.defer("plan", "instructions", "consent").order_by("-created_at", "-id")
    return paged(request, response, query, rows, lambda page: [study_facts(caller, study) for study in page])


@router.post(
    "/studies",
    response={200: StudyOut, 201: StudyOut},
    operation_id="import_study",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/yaml": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "prompts": {"type": "string", "format": "binary"},
                        },
                    }
                },
            },
        }
    },
)
def import_study(request: HttpRequest, response: HttpResponse) -> Any:
    """Make a draft of a study file (docs/study-file.md), or give the draft of that name its content (200)."""
    need_scope(request, Scope.WRITE)
    began = timezone.now()
    caller = caller_of(request)
    data, name, prompts = study_file(request)
    study = import_upload(data, name=name, prompts=prompts, actor=caller.name, owner=caller.user)
    response["Location"] = f"/api/v1/studies/{study.slug}"
    return Status(201 if study.created_at >= began else 200, told(request, response, study))


@router.get("/studies/{slug:slug}", response=StudyOut, operation_id="read_study")
def read_study(request: HttpRequest, response: HttpResponse, slug: str) -> Any:
    """Read a study; its ETag can be the If-Match of a change."""
    return told(request, response, study_for(request, slug, Ability.SEE_PROGRESS))


@router.get("/studies/{slug:slug}/status", response=StatusOut, exclude_unset=True, operation_id="read_status")
def read_status(request: HttpRequest, slug: str) -> Any:
    """Read where a study stands."""
    return status(study_for(request, slug, Ability.SEE_PROGRESS))


@router.get("/studies/{slug:slug}/file", operation_id="read_study_file")
def read_study_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Download the study file."""
    study = study_for(request, slug, Ability.SEE_DESIGN)
    answer = HttpResponse(export_study(study), content_type="application/yaml")
    answer["Content-Disposition"] = f'attachment; filename="{study.slug}.yaml"'
    return answer


@router.get("/studies/{slug:slug}/check", response=CheckOut, operation_id="check_study")
def check_study(request: HttpRequest, slug: str) -> Any:
    """Verify every invariant of a study from its rows."""
    study = study_for(request, slug, Ability.SEE_LOG)
    found = [problem for problem, _ in zip(violations(study), range(_BROKEN), strict=False)]
    return {"holds": not found, "violations": found}


@router.post("/studies/{slug:slug}/moves/{slug:move}", response=StudyOut, operation_id="move_study")
def move_study(
    request: HttpRequest, response: HttpResponse, slug: str, move: str, given: MoveIn | None = None
) -> Any:
    """Move a study on.

    The moves: generate, retry, pause-generation, resume-generation, cancel-generation (says in `finished`
    what becomes of finished completions), open, pause, resume, close, archive, renew-link. Opening freezes
    the plan, and closing ends the collection: neither can be taken back.
    """
    study = study_for(request, slug, Ability.SEE_PROGRESS)
    if move not in MOVES:
        raise ProblemError("not-found", f"There is no move “{move}”. Moves: {', '.join(MOVES)}.")
    ability, verb = MOVES[move]
    need(request, study, ability)
    finished = given.finished if given else None
    if (move == "cancel-generation") != (finished is not None):
        raise ProblemError("invalid", "“finished” (keep or drop) goes with cancel-generation, and has to.")
    more = {"keep_finished": finished == "keep"} if finished else {}
    verb(study=study, actor=caller_of(request).name, **more)
    return told(request, response, Study.objects.get(pk=study.pk))


@router.get(
    "/studies/{slug:slug}/failures", response=Page[FailureOut], operation_id="list_failed_completions"
)
def list_failures(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the completions that failed."""
    study = study_for(request, slug, Ability.SEE_PROGRESS)
    window = query.window
    rows, count = failed_completions(study, start=window.start, stop=window.stop)
    items = [
        {
            "completion": row.pk,
            "prompt": row.prompt,
            "arm": row.arm,
            "replicate": row.replicate,
            "attempts": row.attempts,
            "reason": row.reason,
        }
        for row in rows
    ]
    return page_of(request, response, query, items, count)


@router.post(
    "/studies/{slug:slug}/completions/{int:completion}/retry",
    response=StatusOut,
    exclude_unset=True,
    operation_id="retry_completion",
)
def retry_completion(request: HttpRequest, slug: str, completion: int) -> Any:
    """Ask once more for one completion that failed."""
    study = study_for(request, slug, Ability.GENERATE)
    found = get_object_or_404(Completion, pk=completion, batch_key=study.key)
    generating.retry_completion(study=study, completion=found, actor=caller_of(request).name)
    return status(study)


@router.post(
    "/studies/{slug:slug}/completions",
    response=ImportedOut,
    operation_id="import_completions",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in _COMPLETIONS},
        }
    },
)
def upload_completions(request: HttpRequest, slug: str, query: Query[CompletionsQuery]) -> Any:
    """Take completions that were written elsewhere (docs/study-file.md); all rows, or none.

    Where all are of one `arm`, rows need not name it. What is wrong is told in `errors`, line by line.
    """
    study = study_for(request, slug, Ability.EDIT)
    with body_as_file(request, _COMPLETIONS, most=MAX_BYTES) as path:
        number = import_completions(study, path, actor=caller_of(request).name, arm=query.arm)
    return {"imported": number, "missing": lifecycle.missing_completions(study)}


@router.get(
    "/studies/{slug:slug}/completions/missing",
    response=Page[PlaceOut],
    operation_id="list_missing_completions",
)
def list_missing(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PageQuery]) -> Any:
    """List the completions that are neither there nor on their way, as an upload names them."""
    study = study_for(request, slug, Ability.EDIT)
    missing = [place for place, taken in places(study).items() if not taken]
    names = ("prompt", "arm", "replicate")
    return paged(
        request, response, query, missing, lambda page: [dict(zip(names, one, strict=True)) for one in page]
    )


@router.get("/studies/{slug:slug}/link", response=LinkOut, operation_id="read_link")
def read_link(request: HttpRequest, slug: str) -> Any:
    """Read the annotators' link."""
    return _link(study_for(request, slug, Ability.SEE_PROGRESS))


@router.patch("/studies/{slug:slug}/link", response=LinkOut, operation_id="change_link")
def change_link(request: HttpRequest, slug: str, given: LinkIn) -> Any:
    """Withdraw the link for another (`renew`), or give it an end (`until`; null lifts it)."""
    study = study_for(request, slug, Ability.CONDUCT)
    actor = caller_of(request).name
    if given.renew:
        study = renew_invite(study=study, actor=actor)
    if "until" in given.model_fields_set:
        until = given.until
        if until is not None and until.tzinfo is None:
            raise ProblemError("invalid", "“until” needs a time zone: write 2026-12-31T18:00:00Z.")
        study = limit_invite(study=study, until=until, actor=actor)
    return _link(study)


def _link(study: Study) -> dict[str, Any]:
    return {"link": annotators_link(study), "until": study.invite_until}
