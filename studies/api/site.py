"""What belongs to no study: the account, presets, checkpoints."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from studies import queries
from studies.api.finding import caller_of, need_scope
from studies.api.paging import Page, PageQuery, paged
from studies.api.schemas import AccountOut, CheckpointOut, PresetIn, PresetOut, StudyOut
from studies.api.studies import told
from studies.domain.access import visible_studies
from studies.enums import Scope
from studies.presets.catalogue import PRESETS, import_preset

router = Router(tags=["site"])


@router.get("/account", response=AccountOut, operation_id="read_account")
def read_account(request: HttpRequest) -> Any:
    """Say whose token this is, and what it is for."""
    caller = caller_of(request)
    return {
        "account": caller.name,
        "administrator": caller.user.is_superuser,
        "scopes": [scope for scope in Scope if scope in caller.scopes],
        "token": caller.token.name if caller.token else None,
        "expires_at": caller.token.expires_at if caller.token else None,
    }


@router.get("/presets", response=list[PresetOut], operation_id="list_presets")
def list_presets(request: HttpRequest) -> Any:
    """List the studies that come with the product."""
    need_scope(request, Scope.READ)
    return [
        {"preset": one.name, "purpose": one.purpose, "take": one.take, "whole": one.whole}
        for one in PRESETS.values()
    ]


@router.post("/presets/{slug:preset}", response={200: StudyOut, 201: StudyOut}, operation_id="import_preset")
def make_of_preset(
    request: HttpRequest, response: HttpResponse, preset: str, given: PresetIn | None = None
) -> Any:
    """Make a draft of a preset study (200: there is one already)."""
    need_scope(request, Scope.WRITE)
    began, caller = timezone.now(), caller_of(request)
    take = given.take if given else None
    number = None if take == "all" else take or 0
    study = import_preset(preset, actor=caller.name, take=number, owner=caller.user)
    response["Location"] = f"/api/v1/studies/{study.slug}"
    return Status(201 if study.created_at >= began else 200, told(request, response, study))


@router.get("/checkpoints", response=Page[CheckpointOut], operation_id="list_checkpoints")
def list_checkpoints(request: HttpRequest, response: HttpResponse, query: Query[PageQuery]) -> Any:
    """List what is there to write completions with, as far as the account's studies go."""
    need_scope(request, Scope.READ)
    rows = queries.checkpoint_rows(visible_studies(caller_of(request).user))
    return paged(
        request,
        response,
        query,
        rows,
        lambda page: [
            {
                "checkpoint": row.checkpoint.name,
                "status": row.checkpoint.status,
                "revision": row.checkpoint.revision,
                "held": row.held,
                "studies": [study.slug for study in row.studies],
            }
            for row in page
        ],
    )
