"""The plan of a study as one document, and its hash: what is frozen when the study opens."""

from __future__ import annotations

from typing import Any

from generation.spec import DecodingSpec
from studies.domain.audit import canonical, sha256
from studies.enums import Design, Kind
from studies.models import Arm, Criterion, Prompt, Study

VERSION = 1
_DEFAULTS = DecodingSpec(checkpoint="").as_dict()


def study_document(study: Study) -> dict[str, Any]:
    """Return the study as the study file says it, in the file's order of keys."""
    document: dict[str, Any] = {
        "evenhand": VERSION,
        "study": study.slug,
        "title": study.title,
        "description": study.description,
        "instructions": study.instructions,
        "consent": study.consent,
        "minutes": study.minutes,
        "seed": study.seed,
        "overlap": study.overlap,
        "quota": study.quota,
        "ties": str(study.tie_rule),
        "draws": str(study.draws),
        "checks": _asked_checks(study) or None,
        "repeats": study.repeats or None,
        "practice": study.practice or None,
        "comprehension": study.comprehension or None,
        "quality": study.quality or None,
        "analysis": study.analysis or None,
        "survey": study.survey or None,
        "differences": study.differences or None,
        "reasons": study.reasons or None,
        "recruiting": study.recruiting or None,
        "comparisons": None if study.design == Design.BASELINE else str(study.design),
        "replicates": study.replicates,
        "answer_marker": study.answer_marker,
        "text": str(study.text_format),
        "lease_minutes": study.lease_minutes,
        "min_exposure_ms": study.min_exposure_ms,
        "retention_days": study.retention_days,
        "criteria": [_criterion(criterion) for criterion in study.criteria.all()],
        "arms": [_arm(arm) for arm in study.arms.select_related("checkpoint")],
        "prompts": [prompt_entry(prompt) for prompt in study.prompts.filter(addition=0)],
    }
    return {key: value for key, value in document.items() if value not in ("", None)}


def _asked_checks(study: Study) -> dict[str, Any]:
    """Return the checks as the study file asks for them: numbers, and the texts of written ones."""
    written = {"written": study.written_checks} if study.written_checks else {}
    return {**study.checks, **written}


def _criterion(criterion: Criterion) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": criterion.name,
        "question": criterion.question,
        "scale": str(criterion.scale),
    }
    return entry | ({"primary": True} if criterion.primary else {})


def _arm(arm: Arm) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": arm.name}
    if arm.baseline:
        entry["baseline"] = True
    if arm.control:
        entry["control"] = True
    # In the order of the spec, since PostgreSQL keeps the keys of its JSON in another.
    given = {key: arm.spec[key] for key in _DEFAULTS if key in arm.spec and key != "checkpoint"}
    always = {"guidance_scale", "temperature", "top_p", "max_new_tokens"}
    called = arm.checkpoint.called
    if called:
        entry["endpoint"] = called.as_dict()
        always -= {"guidance_scale"}
    else:
        entry["checkpoint"] = arm.checkpoint.name
    return entry | {key: value for key, value in given.items() if key in always or value != _DEFAULTS[key]}


def prompt_entry(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as the study file says it."""
    entry: dict[str, Any] = {"id": prompt.name, "family": str(prompt.family)}
    for key in ("stratum", "source", "answer"):
        if getattr(prompt, key):
            entry[key] = getattr(prompt, key)
    if prompt.text:
        return entry | {"text": prompt.text}
    roles = [message["role"] for message in prompt.messages]
    if roles in (["user"], ["system", "user"]):
        return entry | {message["role"]: message["content"] for message in prompt.messages}
    return entry | {"messages": prompt.messages}


def frozen_plan(study: Study) -> dict[str, Any]:
    """Return what opening freezes: the document and which completions are compared."""
    pairs = (
        study.comparisons.filter(kind=Kind.REAL, prompt__addition=0)
        .order_by("prompt__position", "id")
        .values_list(
            "prompt__name",
            "candidate_arm__name",
            "baseline_arm__name",
            "candidate__text",
            "baseline__text",
            "identical",
        )
    )
    checks = _checks(study)
    return {
        "document": study_document(study),
        "comparisons": [
            {
                "prompt": prompt,
                "arm": arm,
                "candidate": sha256(candidate),
                "baseline": sha256(baseline),
                "identical": identical,
            }
            | ({} if study.design == Design.BASELINE else {"against": against})
            for prompt, arm, against, candidate, baseline, identical in pairs
        ],
    } | {name: part for name, part in (("checks", checks), ("left_out", _left_out(study))) if part}


def _left_out(study: Study) -> list[dict[str, str]]:
    """Return the pairs that were made and then taken out of the plan."""
    found = study.comparisons.filter(kind=Kind.LEFT_OUT).order_by("prompt__position", "id")
    names = found.values_list("prompt__name", "candidate_arm__name", "baseline_arm__name")
    return [{"prompt": prompt, "arm": arm, "against": against} for prompt, arm, against in names]


def _checks(study: Study) -> list[dict[str, str]]:
    """Return the attention checks: which response of which pair gives way to which text."""
    found = study.comparisons.filter(kind=Kind.CHECK).order_by("prompt__position", "id")
    return [
        {"prompt": prompt, "arm": arm, "replaced": replaced, "made": made, "decoy": sha256(decoy)}
        | ({"intact": sha256(intact), "asked": sha256(asked)} if asked else {})
        for prompt, arm, replaced, made, decoy, intact, asked in found.values_list(
            "prompt__name", "candidate_arm__name", "replaced", "decoy_made", "decoy", "intact", "asked"
        )
    ]


def plan_hash(plan: dict[str, Any]) -> str:
    """Return the SHA-256 of a plan's canonical JSON."""
    return sha256(canonical(plan))
