"""How many of everything: from prompts to the judgments that are analysed (in the manner of CONSORT)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from generation.models import Completion
from studies.domain.conduct import Conduct, conduct
from studies.enums import AnnotatorStatus, Kind
from studies.models import Annotator, Exclusion, Judgment, Skip, Study


@dataclass(frozen=True, slots=True)
class Flow:
    """Counts, in the order in which a study makes them."""

    prompts: int
    completions: int
    completions_failed: int
    comparisons: int
    identical_pairs: int
    """Automatic ties: both texts are the same, so they are not shown and enter no win rate."""
    assignments_planned: int
    assignments_filled: int
    annotators_arrived: int
    annotators_declined: int
    annotators_consented: int
    annotators_screened: int
    """Screened out by the comprehension check."""
    annotators_judged: int
    annotators_excluded: int
    skips: int
    judgments: int
    judgments_of_checks: int
    """Of attention checks and swapped repeats."""
    checks_answered: int
    checks_passed: int
    repeats_answered: int
    repeats_alike: int
    judgments_excluded: int
    judgments_analysed: int


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """An exclusion in force, and the reason given."""

    who: str
    rule: str
    reason: str
    at: str


def flow(study: Study, *, excluded: int, analysed: int, how: Mapping[int, Conduct] | None = None) -> Flow:
    """Count everything of a study; what the analysis counted is handed in, so that both agree."""
    done = Q(status=Completion.Status.DONE)
    completions = Completion.objects.filter(batch_key=study.key).aggregate(
        done=Count("pk", filter=done), failed=Count("pk", filter=Q(status=Completion.Status.FAILED))
    )
    real = Q(comparison__kind=Kind.REAL)
    pairs = Counter(study.comparisons.filter(kind=Kind.REAL).values_list("identical", flat=True))
    how = conduct(study) if how is None else how
    judgments = Judgment.objects.filter(assignment__study=study)
    filled = study.assignments.filter(submitted_at__isnull=False)
    return Flow(
        prompts=study.prompts.count(),
        completions=completions["done"],
        completions_failed=completions["failed"],
        comparisons=sum(pairs.values()),
        identical_pairs=pairs[True],
        assignments_planned=study.assignments.filter(real).count(),
        assignments_filled=filled.filter(real).count(),
        **_annotators(study),
        annotators_judged=filled.values("annotator").distinct().count(),
        skips=_skips(study),
        judgments=judgments.count(),
        judgments_of_checks=judgments.exclude(assignment__comparison__kind=Kind.REAL).count(),
        checks_answered=sum(each.checks for each in how.values()),
        checks_passed=sum(each.passed for each in how.values()),
        repeats_answered=sum(each.repeats for each in how.values()),
        repeats_alike=sum(each.alike for each in how.values()),
        judgments_excluded=excluded,
        judgments_analysed=analysed,
    )


def _skips(study: Study) -> int:
    return Skip.objects.filter(annotator__study=study).count()


def _annotators(study: Study) -> dict[str, int]:
    active = Q(exclusions__isnull=False, exclusions__revoked_at=None)
    counts = Annotator.objects.filter(study=study).aggregate(
        annotators_arrived=Count("pk", distinct=True),
        annotators_screened=Count("pk", distinct=True, filter=Q(status=AnnotatorStatus.SCREENED)),
        annotators_consented=Count("pk", distinct=True, filter=Q(consented_at__isnull=False)),
        annotators_excluded=Count("pk", distinct=True, filter=active),
    )
    # Who declines becomes no annotator; of them there is a bare count.
    declined = study.refusals.count()
    arrived = counts["annotators_arrived"] + declined
    return counts | {"annotators_arrived": arrived, "annotators_declined": declined}


def applied_rules(study: Study) -> tuple[AppliedRule, ...]:
    """Return every exclusion in force, oldest first."""
    active = Exclusion.objects.filter(study=study, revoked_at=None).order_by("created_at", "pk")
    return tuple(
        AppliedRule(
            who=exclusion.annotator.pseudonym if exclusion.annotator else f"judgment {exclusion.judgment_id}",
            rule=exclusion.rule,
            reason=exclusion.reason,
            at=f"{exclusion.created_at:%Y-%m-%d %H:%M} UTC",
        )
        for exclusion in active.select_related("annotator")
    )
