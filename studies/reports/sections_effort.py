"""The section on the completions' cost and quality, and the same table for papers."""

from __future__ import annotations

from studies.analysis.text_flags import FLAGS
from studies.queries.cost import ArmCost
from studies.reports import figures as f
from studies.reports.document import Prose, Section, Table, present, table
from studies.reports.effort import Effort
from studies.reports.summary import ReportSummary

COST_HEADS = ("Arm", "Responses", "Tokens each", "FLOP each", "× baseline", "× per token", "FLOP in all")
COST_CAPTION = (
    "Cost of the responses: tokens written and floating-point operations of the forward passes, per response "
    "and in all; how many times the baseline's per response, and per token, which lengths do not change."
)


def effort(summary: ReportSummary) -> list[Section]:
    """Return what the completions cost, and what the quality scan saw in them."""
    found = summary.effort
    blocks = present(_cost(found), _seconds(found), _quality(found), _answers(found), _changes(found))
    return [Section("effort", "Cost and quality of the responses", blocks)]


def cost_cells(cost: ArmCost) -> tuple[str, ...]:
    """Return an arm's row under `COST_HEADS`."""
    return (
        cost.arm,
        f.count(cost.completions),
        f.decimal(cost.mean_tokens, 1),
        f.flops(cost.mean_forward_flops),
        f.decimal(cost.flops_ratio),
        f.decimal(cost.token_flops_ratio),
        f.flops(cost.forward_flops),
    )


def _cost(found: Effort) -> Table | None:
    rows = [cost_cells(cost) for cost in found.cost]
    return table("Table of cost", COST_HEADS, rows, caption=COST_CAPTION)


def _seconds(found: Effort) -> Table | None:
    rows = [
        (cost.arm, f.count(cost.tokens), f.decimal(cost.mean_seconds), f.decimal(cost.seconds, 1))
        for cost in found.cost
        if cost.seconds
    ]
    return table(
        "Table of time",
        ("Arm", "Tokens in all", "Seconds each", "Seconds in all"),
        rows,
        folded="Tokens and seconds",
        caption="Seconds in flight. Responses of one batch are written side by side, so these overlap.",
    )


def _quality(found: Effort) -> Table | None:
    seen = [flag for flag in FLAGS if any(one.flag == flag for arm in found.quality for one in arm.flags)]
    rows = [
        (
            arm.arm,
            f.of(f.count(arm.flagged), f.count(arm.responses)),
            *(f.count(next((one.responses for one in arm.flags if one.flag == flag), 0)) for flag in seen),
        )
        for arm in found.quality
    ]
    return table(
        "Table of the quality scan",
        ("Arm", "Flagged", *(FLAGS[flag].removeprefix("A response ").capitalize() for flag in seen)),
        rows,
        caption="What the quality scan saw in the texts. A flag says where to look; it excludes nothing.",
    )


def _answers(found: Effort) -> Table | None:
    rows = [
        (arm.arm, f.count(arm.asked), f.count(arm.answered), f.count(arm.right), f.share(arm.right_share))
        for arm in found.answers
        if arm.asked
    ]
    return table(
        "Table of right answers",
        ("Arm", "Asked", "With an answer", "Right", "Share right"),
        rows,
        caption=(
            "Chains of thought that come to the right answer, told by a machine from what stands behind the "
            "study’s marker. What has no answer is not right."
        ),
    )


def _changes(found: Effort) -> Prose | None:
    told = [
        f"{number} {words}"
        for number, words in (
            (found.comparisons_left_out, "comparisons were left out of the plan"),
            (found.completions_redrawn, "responses were drawn anew with another seed"),
        )
        if number
    ]
    return Prose(f"Before the plan was frozen, {' and '.join(told)}; the log says why.") if told else None
