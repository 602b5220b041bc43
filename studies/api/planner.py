"""The planner, for programs: what a wished power or margin takes, and what it costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, Router, Schema

from studies.analysis.refusal import RefusalError
from studies.api.drafts import refuse_unless_draft
from studies.api.finding import caller_of, study_for
from studies.api.problems import ProblemError
from studies.api.schemas import Given
from studies.enums import Ability
from studies.files.planning import fill_in, plan
from studies.forms.planner import PlannerForm
from studies.models import Study

router = Router(tags=["editor"])
Share = Annotated[float, Field(ge=0, le=1)]


class PlannerIn(Given):
    """The wish and what is supposed; what is absent is as the draft says it, or as the page begins."""

    wish: Literal["power", "margin"] = "power"
    power: Share | None = None
    margin: Share | None = None
    win_rate: Share | None = None
    tie_rate: Share | None = None
    rho_annotators: Share | None = None
    rho_prompts: Share | None = None
    annotators: int | None = None
    overlap: int | None = None
    seconds: float | None = None
    hourly: float | None = None
    fair: float | None = None
    fill_in: bool = False


class PlannerOut(Schema):
    """What the draft's design can show, the ways to what is wished, and what it costs."""

    given: dict[str, Any]
    enough: bool
    now: dict[str, Any]
    tests: int
    level: float
    uncorrected_power: float
    power_together: float
    ways: list[dict[str, Any]]
    judgments: int
    judgments_per_annotator: int
    minutes_per_annotator: float
    hours: float
    reward: float
    fair_reward: float
    underpaid: bool


@router.post("/studies/{slug:slug}/planner", response=PlannerOut, operation_id="plan_study")
def plan_study(request: HttpRequest, slug: str, given: PlannerIn) -> Any:
    """Reckon with the draft's prompts, arms, replicates and alpha.

    With `fill_in` the draft's k, its quota and what the plan expects become as given.
    """
    study = study_for(request, slug, Ability.EDIT)
    refuse_unless_draft(study)
    asked = _asked(study, given)
    try:
        planned = plan(study, asked)
    except RefusalError as error:
        raise ProblemError("invalid", str(error)) from error
    if given.fill_in:
        fill_in(study, asked, planned, actor=caller_of(request).name)
    return {
        "given": asked,
        "enough": planned.enough,
        "now": asdict(planned.now),
        "tests": planned.family.tests,
        "level": planned.family.level,
        "uncorrected_power": planned.uncorrected,
        "power_together": planned.together,
        "ways": [asdict(requirement) for _, requirement in planned.ways],
        "judgments": planned.judgments,
        "judgments_per_annotator": planned.each,
        "minutes_per_annotator": planned.minutes,
        "hours": planned.hours,
        "reward": planned.cost,
        "fair_reward": planned.fair_cost,
        "underpaid": planned.underpaid,
    }


def _asked(study: Study, given: PlannerIn) -> dict[str, Any]:
    """Return what the planner's form makes of it: the same bounds, the same first values."""
    told = given.model_dump(exclude_none=True, exclude={"fill_in"})
    known = {"overlap": study.overlap, **study.analysis.get("expected", {})}
    first = {name: field.initial for name, field in PlannerForm.base_fields.items()}
    form = PlannerForm(first | known | told)
    if not form.is_valid():
        errors = [
            {"in": "body", "field": field, "detail": str(problem)}
            for field, problems in form.errors.items()
            for problem in problems
        ]
        raise ProblemError("invalid", "Some values will not do.", errors=errors)
    return form.cleaned_data
