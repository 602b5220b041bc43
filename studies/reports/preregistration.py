"""What the plan fixes, in AsPredicted's order of questions: printable, from the frozen plan.

What somebody decided otherwise after it was frozen stands behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.analysis.plan import GATEKEEPING, GROUP_SEQUENTIAL, NO_LOOKS, AnalysisPlan, plan_from
from studies.domain.plan import study_document
from studies.domain.quality import spoken_rules
from studies.models import Study
from studies.reports.deviations import decided
from studies.reports.export import iso
from studies.reports.planned import planned

BLANK = "______________________ (for the researcher to fill in)"


def preregistration(study: Study) -> str:
    """Return the form as Markdown; of a study that is not open yet it says that nothing is fixed."""
    frozen = (study.plan or {}).get("document")
    document = frozen or study_document(study)
    plan = plan_from(document.get("analysis", {}))
    questions = (
        ("Have any data been collected?", _collected(study)),
        ("What is the hypothesis?", _hypothesis(document, plan)),
        ("What is measured?", _measured(document)),
        ("Which conditions are compared?", _conditions(document)),
        ("Which analyses will be done?", _analyses(document, plan)),
        ("Who and what will be left out?", _exclusions(document)),
        (
            "How many judgments will be collected, and when does collection stop?",
            _size(document, plan),
        ),
        ("Anything else?", f"{_looks(plan)} Secondary analyses: {_further(plan)}. {BLANK}"),
        ("Name and authors", f"{document['title']} ({document['study']}). Authors: {BLANK}"),
    )
    lines = [f"# Pre-registration of “{document['study']}”", ""]
    if study.simulated:
        lines += ["**SIMULATED: a program judges, not people.**", ""]
    if frozen:
        lines += [f"Made from the plan frozen on {iso(study.opened_at)}." if study.opened_at else ""]
        lines += ["", f"SHA-256 of the plan: `{study.plan_hash}`", ""]
    else:
        lines += ["**The plan is not frozen yet: opening the study fixes it.**", ""]
    for number, (question, answer) in enumerate(questions, 1):
        lines += [f"## {number}. {question}", "", answer, ""]
    if deviations := decided(study):
        words = "The plan above is as it was frozen. What was decided otherwise since then:"
        lines += ["## Deviations since", "", words, "", *(f"* {one}" for one in deviations), ""]
    return "\n".join(lines)


def _collected(study: Study) -> str:
    if study.opened_at is None:
        return "No judgment has been collected."
    return (
        f"No judgment had been collected when the plan was frozen on {iso(study.opened_at)}; the program "
        "refuses changes after that, and the hash above is part of every report."
    )


def _hypothesis(document: Mapping[str, Any], plan: AnalysisPlan) -> str:
    baseline = next(arm["name"] for arm in document["arms"] if arm.get("baseline"))
    candidates = [
        arm["name"] for arm in document["arms"] if not arm.get("baseline") and not arm.get("control")
    ]
    primary = next(one for one in document["criteria"] if one.get("primary"))
    text = (
        f"By “{primary['name']}”, annotators prefer {' / '.join(candidates)} to {baseline}, or the "
        "reverse: the win rate differs from 1/2 (two-sided)."
    )
    if plan.margin is None:
        return text
    return f"{text} Non-inferiority and equivalence are tested within {100 * plan.margin:g} points."


def _measured(document: Mapping[str, Any]) -> str:
    return "\n".join(
        f"* **{one['name']}**{' (primary)' if one.get('primary') else ''}: “{one['question']}” "
        f"Scale: {one['scale'].replace('_', ' ')}."
        for one in document["criteria"]
    )


def _conditions(document: Mapping[str, Any]) -> str:
    lines = []
    for arm in document["arms"]:
        role = "baseline" if arm.get("baseline") else "A/A control" if arm.get("control") else "candidate"
        settings = ", ".join(
            f"{key} {value}" for key, value in arm.items() if key not in ("name", "baseline", "control")
        )
        lines.append(f"* **{arm['name']}** ({role}): {settings}")
    lines.append(f"\n{len(document['prompts'])} prompts; draws {document['draws']}; seed {document['seed']}.")
    return "\n".join(lines)


def _analyses(document: Mapping[str, Any], plan: AnalysisPlan) -> str:
    ties = "counted half" if document["ties"] == "half" else "left out"
    rule = (
        "Criteria are tested in the file's order, each claim only after every one before it was shown."
        if plan.multiplicity == GATEKEEPING
        else "All criteria and candidates are corrected together by Holm's method."
    )
    return (
        f"Win rate with ties {ties}; variance clustered by annotator and prompt, the largest of the two-way, "
        "one-way and independent ones; t with min(annotators, prompts) - 1 degrees of freedom; "
        f"alpha {plan.alpha:g}, two-sided. {rule}"
    )


def _exclusions(document: Mapping[str, Any]) -> str:
    rules = spoken_rules(Study(quality=document.get("quality", {})))
    if not rules:
        return "The plan has no rule; any exclusion will be listed as a deviation, with results without it."
    return "\n".join(f"* {rule}." for rule in rules) + "\n\nResults are reported with and without."


def _size(document: Mapping[str, Any], plan: AnalysisPlan) -> str:
    text = (
        f"{document['overlap']} judgments per comparison, {document['replicates']} replicates, at most "
        f"{document['quota']} comparisons per annotator. Collection stops when every planned row is "
        "filled, or when it is closed; rows that stay empty are listed as a deviation."
    )
    power = planned(document)
    if power is None or plan.expected is None:
        return f"{text} Power: {BLANK}"
    return (
        f"{text} With {plan.expected.annotators} annotators and a true win rate of "
        f"{100 * plan.expected.win_rate:g} % the power is {100 * power.power:.0f} % (design effect "
        f"{power.design_effect:.2f})."
    )


def _looks(plan: AnalysisPlan) -> str:
    interim = plan.interim
    if interim.method == NO_LOOKS:
        return "No look at the data before the end."
    if interim.method == GROUP_SEQUENTIAL:
        return (
            f"At most {interim.looks} looks, the last one included, with "
            f"{interim.spending.replace('_', ' ')} spending on the clustered z. Each criterion spends alone, "
            "in the order of the tests; intervals are repeated confidence intervals."
        )
    return "Any number of looks, by anytime-valid bets on annotators' means, of every criterion by itself."


def _further(plan: AnalysisPlan) -> str:
    return "strata of prompts, as an exploration" if plan.subgroups == "stratum" else "none planned"
