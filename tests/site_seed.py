"""What tests put into a running site. Called inside it by `Site.seed`; answers are plain data."""

import uuid
from collections import Counter
from typing import Any

from django.db.models import Count

from generation.models import Completion
from studies.domain import lifecycle
from studies.models import Annotator, Assignment, Judgment, Skip, Study
from tests import factories

SENTENCE = (
    "The harbour wakes before the town does, and the first boats are already past the wall when the "
    "baker lifts his shutters. "
)


def open_study(*, words: int = 60, opening: str = "", **fields: Any) -> dict[str, Any]:
    """Make an open study whose completions have about ``words`` words; return its invite and slug.

    Every completion begins with ``opening``.
    """
    fields.setdefault("slug", f"study-{uuid.uuid4().hex[:12]}")
    criteria = fields.pop("criteria", None)
    if criteria:
        fields["criteria"] = tuple(map(tuple, criteria))
    study = factories.ready_study(**fields | {"prompts": fields.pop("comparisons", 6)})
    for number, completion in enumerate(Completion.objects.filter(batch_key=study.key)):
        body = (SENTENCE * (words // 20 + 1)).split()[:words]
        completion.text = f"{opening}Text {number}. " + " ".join(body)
        completion.save(update_fields=["text"])
    study = lifecycle.open_study(study=study, actor="tests")
    return {"invite": study.invite, "slug": study.slug}


def tally(*, slug: str) -> dict[str, Any]:
    """Count what the study holds, straight from the tables."""
    study = Study.objects.get(slug=slug)
    submitted = Assignment.objects.filter(study=study, submitted_at__isnull=False)
    per_comparison = Counter(submitted.values_list("comparison", flat=True))
    judgments = Judgment.objects.filter(assignment__study=study)
    doubled = submitted.values("comparison", "annotator").annotate(rows=Count("pk")).filter(rows__gt=1)
    spread = [
        abs(
            sum(
                1 if slot == "A" else -1
                for slot in annotator.assignments.values_list("candidate_slot", flat=True)
            )
        )
        for annotator in Annotator.objects.filter(study=study)
    ]
    return {
        "judgments": judgments.count(),
        "per_comparison": sorted(per_comparison.values()),
        "per_criterion": sorted(Counter(judgments.values_list("criterion__name", flat=True)).items()),
        "annotators": study.annotators.count(),
        "pseudonyms": study.annotators.values("pseudonym").distinct().count(),
        "annotator_twice_on_one": doubled.count(),
        "held": study.assignments.filter(submitted_at=None).exclude(annotator=None).count(),
        "imbalance": spread,
        "undone": study.events.filter(action="judgment.undone").count(),
        "given_back": Skip.objects.filter(annotator__study=study).count(),
        "choices": sorted(Counter(judgments.values_list("choice", flat=True)).items()),
    }


def close(*, slug: str) -> str:
    """Close a study."""
    return str(lifecycle.close_study(study=Study.objects.get(slug=slug), actor="tests").status)


def pause(*, slug: str) -> str:
    """Pause a study."""
    return str(lifecycle.pause_study(study=Study.objects.get(slug=slug), actor="tests").status)


def open_studies(**studies: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make several open studies at once, each under its name."""
    return {name: open_study(**fields) for name, fields in studies.items()}
