"""Trying the arms on a few prompts, before the plan is frozen."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from studies.api.finding import caller_of, study_for
from studies.api.schemas import Given, Text
from studies.domain.trial import MOST, end_trial, first_prompts, refuse_trial, start_trial, usual_arms
from studies.enums import Ability
from studies.models import Study
from studies.queries.trial import trial_of

router = Router(tags=["trial"])
Names = Annotated[list[Annotated[Text, Field(max_length=100)]], Field(max_length=MOST)]


class TrialIn(Given):
    """Which prompts and arms, by name; where nothing is said, the first three and the first two."""

    prompts: Names = []
    arms: Names = []


class TriedOut(Schema):
    """What one arm wrote for one prompt. It is no completion of the study."""

    prompt: str
    arm: str
    status: str
    text: str
    tokens: int
    finish_reason: str
    seconds: float
    forward_flops: float
    error: str


class TrialOut(Schema):
    """What was tried last, and how many texts are still to be written."""

    left: int
    worker_seen: bool
    stage: str
    tried: list[TriedOut]


@router.get("/studies/{slug:slug}/trial", response=TrialOut, operation_id="read_trial")
def read_trial(request: HttpRequest, slug: str) -> Any:
    """Read what was tried last; nothing of it is part of the study."""
    study = study_for(request, slug, Ability.TRY_OUT)
    refuse_trial(study)
    return _told(study)


@router.post("/studies/{slug:slug}/trial", response={201: TrialOut}, operation_id="start_trial")
def begin_trial(request: HttpRequest, slug: str, given: TrialIn | None = None) -> Any:
    """Have a few prompts written by a few arms, in place of what was tried before."""
    study = study_for(request, slug, Ability.TRY_OUT)
    wish = given or TrialIn()
    study = start_trial(
        study=study,
        prompts=wish.prompts or first_prompts(study),
        arms=wish.arms or usual_arms(study),
        actor=caller_of(request).name,
    )
    return Status(201, _told(study))


@router.delete("/studies/{slug:slug}/trial", response={204: None}, operation_id="delete_trial")
def delete_trial(request: HttpRequest, slug: str) -> Any:
    """Delete what was tried."""
    study = study_for(request, slug, Ability.TRY_OUT)
    end_trial(study=study, actor=caller_of(request).name)
    return Status(204, None)


def _told(study: Study) -> dict[str, Any]:
    trial = trial_of(study)
    return {
        "left": trial.progress.left if trial else 0,
        "worker_seen": bool(trial and trial.progress.worker_seen),
        "stage": trial.progress.stage if trial else "",
        "tried": [
            {
                "prompt": one.prompt.name,
                "arm": tried.arm.name,
                "tokens": tried.completion.token_count,
                **{name: getattr(tried.completion, name) for name in _SHOWN},
            }
            for one in (trial.prompts if trial else ())
            for tried in one.tried
        ],
    }


_SHOWN = ("status", "text", "finish_reason", "seconds", "forward_flops", "error")
