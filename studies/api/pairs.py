"""The pairs of a study: blinded until it is closed; leaving out and drawing anew before it opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from studies import queries
from studies.api.finding import caller_of, need, need_scope, study_for
from studies.api.paging import Page, PageQuery, paged
from studies.api.schemas import ArmScanOut, PairOut, PairsIn, PairsOut, ScanOut, Text
from studies.domain import leaving_out
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.shown_pairs import (
    BlindedPair,
    Flag,
    UnblindedPair,
    blinded_pairs,
    unblinded_pairs,
)
from studies.enums import Ability, Scope
from studies.models import Study

router = Router(tags=["pairs"])


class PairQuery(PageQuery):
    """Which pairs, and which page of them."""

    search: Text = ""
    stratum: Text = ""
    flag: Text = ""


@router.get("/studies/{slug:slug}/pairs", response=Page[PairOut], operation_id="list_pairs")
def list_pairs(request: HttpRequest, response: HttpResponse, slug: str, query: Query[PairQuery]) -> Any:
    """List the pairs: responses by slot until the study is closed, then by arm, with their outcomes.

    With arms it takes the scope `results`.
    """
    study = study_for(request, slug, Ability.SEE_PAIRS)
    if study.unblinded:
        need_scope(request, Scope.RESULTS)
    keys = queries.pair_keys(study, search=query.search, stratum=query.stratum, flag=query.flag)
    return paged(request, response, query, keys, lambda page: _pairs(study, page))


def _pairs(study: Study, keys: list[int]) -> list[dict[str, Any]]:
    comparisons = queries.pairs_of(study, keys)
    if study.unblinded:
        return [_unblinded(pair) for pair in unblinded_pairs(study, comparisons, first=1)]
    return [_blinded(pair) for pair in blinded_pairs(study, comparisons, first=1)]


def _blinded(pair: BlindedPair) -> dict[str, Any]:
    return {
        "comparison": pair.key,
        "prompt": pair.name,
        "stratum": pair.stratum,
        "conversation": [asdict(turn) for turn in pair.turns],
        "responses": {response.slot.value: response.text for response in pair.responses},
        "flags": _flags(pair.flags),
    }


def _unblinded(pair: UnblindedPair) -> dict[str, Any]:
    one = pair.comparison
    return {
        "comparison": one.pk,
        "prompt": one.prompt.name,
        "stratum": one.prompt.stratum,
        "conversation": [asdict(turn) for turn in one.prompt.turns],
        "responses": {"candidate": one.candidate.text, "baseline": one.baseline.text},
        "flags": _flags(pair.flags),
        "arms": {"candidate": one.candidate_arm.name, "baseline": one.baseline_arm.name},
        "outcomes": {"win": pair.wins, "tie": pair.ties, "loss": pair.losses},
    }


def _flags(flags: Sequence[Flag]) -> dict[str, list[str]]:
    return {flag.words: list(flag.reasons) for flag in flags}


@router.get("/studies/{slug:slug}/scan", response=ScanOut, operation_id="read_scan")
def read_scan(request: HttpRequest, slug: str) -> Any:
    """Say how many pairs the quality scan flags, whichever arm wrote what."""
    found = queries.scan(study_for(request, slug, Ability.SEE_PAIRS))
    return {"flagged": len(found.pairs), "counts": found.counts}


@router.post("/studies/{slug:slug}/scan/by-arm", response=list[ArmScanOut], operation_id="unblind_scan")
def scan_by_arm(request: HttpRequest, slug: str) -> Any:
    """Say what the scan found in each arm. Before the study is closed that unblinds, and the log keeps it."""
    study = study_for(request, slug, Ability.SEE_PAIRS)
    need_scope(request, Scope.RESULTS)
    if not study.unblinded:
        need(request, study, Ability.UNBLIND_EARLY if study.frozen else Ability.TRY_OUT)
        record_event(actor=caller_of(request).name, action="scan.unblinded", study=study)
    return [asdict(arm) for arm in queries.scan(study).by_arm.values()]


@router.post("/studies/{slug:slug}/pairs/{change}", response=PairsOut, operation_id="change_pairs")
def change_pairs(
    request: HttpRequest, slug: str, change: Literal["exclude", "include", "redraw"], given: PairsIn
) -> Any:
    """Leave pairs out of the plan, put them back, or have their completions drawn anew, before opening.

    The pairs are those named, or all that have a flag.
    """
    study = study_for(request, slug, Ability.EDIT)
    actor = caller_of(request).name
    chosen = given.comparisons or (queries.pair_keys(study, flag=given.flag) if given.flag else [])
    if not chosen:
        raise StudyError("No pair was chosen: name some in “comparisons”, or a “flag” that some have.")
    if change == "include":
        return {"changed": leaving_out.put_back(study=study, comparisons=chosen, actor=actor)}
    if change == "exclude":
        number = leaving_out.leave_out(study=study, comparisons=chosen, reason=given.reason, actor=actor)
        return {"changed": number}
    made = leaving_out.redraw(study=study, comparisons=chosen, reason=given.reason, actor=actor)
    return {"changed": made.drawn, "told": list(made.kept)}
