"""The section of what was compared, and how."""

from __future__ import annotations

from typing import Any

from studies.reports import figures as f
from studies.reports.design import ArmDesign
from studies.reports.document import Block, Facts, Prose, Section, Side, present, table
from studies.reports.summary import ReportSummary

MOST_BOXES = 6
"""Arms that have a box each."""


def design(summary: ReportSummary) -> Section:
    """Return what was compared, and how."""
    plan = summary.design
    families = ", ".join(f"{name} {count}" for name, count in plan.families.items())
    replicates = f"; {plan.replicates} replicates" if plan.replicates > 1 else ""
    text = (
        f"Each comparison was planned to be judged {plan.overlap} times, by an annotator at most once, with "
        f"slots A and B balanced. An annotator judged at most {plan.quota} comparisons. Prompts: {families}. "
        f"Draws: {plan.draws}{replicates}."
    )
    criteria = tuple(
        (f"{c.name} (primary)" if c.primary else c.name, f"{c.question} {c.scale}") for c in plan.criteria
    )
    blocks = present(
        Prose(summary.description) if summary.description else None,
        Prose(text),
        Facts(criteria),
        *_arms(plan.arms),
    )
    return Section("design", "Design", blocks)


_DECODING = {
    "guidance_scale": "Guidance scale",
    "negative": "Negative",
    "negative_text": "Negative text",
    "temperature": "Temperature",
    "top_k": "Top-k",
    "top_p": "Top-p",
    "min_p": "Min-p",
    "max_new_tokens": "Most new tokens",
    "plausibility": "Plausibility",
    "stop": "Stop texts",
    "guided_tokens": "Guided tokens",
    "dtype": "Type of the weights",
}


def _arms(arms: tuple[ArmDesign, ...]) -> tuple[Block, ...]:
    """Return a box for each arm; of many arms what they share, and a table of what tells them apart."""
    if len(arms) <= MOST_BOXES:
        return (Side(tuple(Facts(_rows(arm), title=arm.name, tone=arm.role) for arm in arms)),)
    rows = [dict(_rows(arm)) for arm in arms]
    names = list(dict.fromkeys(name for row in rows for name in row))
    shared = [name for name in names if len({str(row.get(name, f.NONE)) for row in rows}) == 1]
    apart = [name for name in names if name not in shared]
    return present(
        Facts(tuple((name, rows[0][name]) for name in shared), title="All arms"),
        table(
            "Table of arms",
            ("Arm", *apart),
            [
                (arm.name, *(row.get(name, f.NONE) for name in apart))
                for arm, row in zip(arms, rows, strict=True)
            ],
            caption="What tells the arms apart.",
        ),
    )


def _rows(arm: ArmDesign) -> tuple[tuple[str, Any], ...]:
    return (
        ("Role", arm.role),
        *(
            (_DECODING.get(key, key), _setting(value))
            for key, value in arm.decoding.items()
            if key != "negative_text" or value
        ),
        ("Checkpoint", arm.checkpoint),
        ("Source", " ".join(filter(None, (arm.source, arm.revision)))),
        ("Weights (SHA-256)", arm.weight_hash or f.NONE),
        ("Completions", f.count(arm.completions)),
        ("Mean tokens", f.decimal(arm.mean_tokens, 1)),
        ("Mean cost", f.flops(arm.mean_forward_flops)),
        ("Mean seconds", f.decimal(arm.mean_seconds, 2)),
        *((key.replace("_", " ").capitalize(), value) for key, value in arm.provenance.items()),
    )


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(repr(part) for part in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value).replace("_", " ")
