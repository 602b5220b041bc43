"""What was compared: arms with every decoding parameter, where their texts come from, and what they cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg

from generation.models import Completion
from studies.models import Arm, Study

_FEW = 4
"""A provenance entry with more values than this differs by completion and describes no arm."""


@dataclass(frozen=True, slots=True)
class CriterionDesign:
    """A question and the answers it offers."""

    name: str
    question: str
    scale: str
    primary: bool


@dataclass(frozen=True, slots=True)
class ArmDesign:
    """An arm, its checkpoint, and the cost of one completion on average."""

    name: str
    role: str
    decoding: dict[str, Any]
    checkpoint: str
    source: str
    revision: str
    weight_hash: str
    completions: int
    mean_tokens: float | None
    mean_forward_flops: float | None
    mean_seconds: float | None
    provenance: dict[str, str]


@dataclass(frozen=True, slots=True)
class Design:
    """The plan's numbers that a reader needs to weigh the result."""

    criteria: tuple[CriterionDesign, ...]
    arms: tuple[ArmDesign, ...]
    overlap: int
    quota: int
    ties_rule: str
    draws: str
    replicates: int
    families: dict[str, int]


def design(study: Study) -> Design:
    """Describe a study's plan."""
    families: dict[str, int] = defaultdict(int)
    for prompt in study.prompts.all():
        families[prompt.get_family_display()] += 1
    return Design(
        criteria=tuple(
            CriterionDesign(c.name, c.question, c.get_scale_display(), c.primary)
            for c in study.criteria.all()
        ),
        arms=tuple(_arm(arm) for arm in study.arms.select_related("checkpoint", "study")),
        overlap=study.overlap,
        quota=study.quota,
        ties_rule=study.tie_rule,
        draws=study.get_draws_display().lower(),
        replicates=study.replicates,
        families=dict(families),
    )


def _arm(arm: Arm) -> ArmDesign:
    done = Completion.objects.filter(batch_key=arm.study.key, arm_key=arm.key, status=Completion.Status.DONE)
    cost = done.aggregate(tokens=Avg("token_count"), flops=Avg("forward_flops"), seconds=Avg("seconds"))
    role = "baseline" if arm.baseline else "control" if arm.control else "candidate"
    return ArmDesign(
        name=arm.name,
        role=role,
        decoding=_decoding(arm),
        checkpoint=arm.checkpoint.name,
        source=arm.checkpoint.source,
        revision=arm.checkpoint.revision,
        weight_hash=arm.checkpoint.weight_hash,
        completions=done.count(),
        mean_tokens=cost["tokens"],
        mean_forward_flops=None if arm.checkpoint.endpoint else cost["flops"],
        mean_seconds=cost["seconds"],
        provenance=_provenance(done.values_list("provenance", flat=True)),
    )


def _decoding(arm: Arm) -> dict[str, Any]:
    """Return the parameters that are known: of an endpoint those that it was sent."""
    spec = arm.decoding.as_dict()
    called = arm.checkpoint.called
    if called is None:
        return {key: value for key, value in spec.items() if key != "checkpoint"}
    sent = ("temperature", "top_p", "max_new_tokens", "stop")
    return {key: spec[key] for key in sent if key in spec} | dict(sorted(called.extra.items()))


def _provenance(entries: Any) -> dict[str, str]:
    """Return the provenance that an arm's completions share, each entry with its few values."""
    values: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for key, value in entry.items():
            if isinstance(value, str | int | float):
                values[key].add(str(value))
    return {key: ", ".join(sorted(found)) for key, found in sorted(values.items()) if len(found) <= _FEW}
