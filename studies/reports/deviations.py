"""What was planned and did not happen, or happened without being planned: listed without being asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from studies.analysis.plan import GROUP_SEQUENTIAL, NO_LOOKS, plan_from
from studies.domain import early_unblinding, extending
from studies.domain.audit import canonical
from studies.domain.plan import study_document
from studies.enums import Kind
from studies.models import Exclusion, Judgment, Study
from studies.queries.audit import logged
from studies.reports.flow import Flow
from studies.reports.looks import LookTaken

_OF_RULES = {
    "failed_checks": "failed-checks",
    "median_active_ms": "too-fast",
    "same_answer_share": "straight-lining",
}
"""The exclusion rule that each threshold of the plan gives rise to."""


def deviations(study: Study, counts: Flow, looks: tuple[LookTaken, ...]) -> tuple[str, ...]:
    """Return every difference from the frozen plan that the program can see, as sentences."""
    return (
        *_of_the_plan(study),
        *decided(study),
        *_of_collection(study, counts),
        *_of_exclusions(study, counts),
        *_of_looks(study, looks),
        *_of_time(study),
        *_of_size(study, counts),
    )


def decided(study: Study) -> tuple[str, ...]:
    """Return the deviations that somebody decided on, each with its reason: they stand beside the plan."""
    return (*_of_unblinding(study), *_of_extension(study), *_of_additions(study))


def _of_the_plan(study: Study) -> Iterator[str]:
    """Compare the columns with the frozen document: overlap, quota, seed, thresholds and all else."""
    frozen = (study.plan or {}).get("document")
    if frozen is None:
        return
    now = study_document(study)
    changed = sorted(key for key in {*frozen, *now} if canonical(frozen.get(key)) != canonical(now.get(key)))
    if changed:
        yield f"The study differs from its frozen plan in: {', '.join(changed)}."
    refused = len(logged(study, "plan.change_refused"))
    if refused:
        yield f"{refused} attempts to change the frozen plan were refused."


def _of_unblinding(study: Study) -> Iterator[str]:
    for event in logged(study, early_unblinding.ACTION):
        after = event.after or {}
        yield (
            f"The study was unblinded early on {event.at:%Y-%m-%d}, after {after['comparisons_answered']} "
            f"answered comparisons. Reason given: {_ended(after['reason'])}"
        )


def _of_extension(study: Study) -> Iterator[str]:
    for event in logged(study, extending.ACTION):
        before, after = event.before or {}, event.after or {}
        yield (
            f"The study was extended on {event.at:%Y-%m-%d} from {before['overlap']} to {after['overlap']} "
            f"judgments per comparison; the plan has {study.overlap}. Reason given: {_ended(after['reason'])}"
        )


def _of_additions(study: Study) -> Iterator[str]:
    for event in logged(study, extending.ADDED):
        before, after = event.before or {}, event.after or {}
        added = study.prompts.filter(addition=after["addition"])
        served = added.exclude(comparisons=None).count()
        made = study.comparisons.filter(prompt__in=added, kind=Kind.REAL).count()
        number = after["prompts"] - before["prompts"]
        unserved = "" if served == number else f" {number - served} of them were never served."
        yield (
            f"{number} prompts were added on {event.at:%Y-%m-%d} to the {before['prompts']} that were there, "
            f"which made {made} more comparisons.{unserved} Reason given: {_ended(after['reason'])}"
        )


def _ended(reason: str) -> str:
    """Return somebody's words as a sentence that ends."""
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _of_collection(study: Study, counts: Flow) -> Iterator[str]:
    unfilled = counts.assignments_planned - counts.assignments_filled
    if unfilled > 0:
        yield (
            f"{unfilled} of {counts.assignments_planned} planned assignments were not filled, so some "
            f"comparisons have fewer than {study.judgments_each} judgments."
        )
    primary = study.criteria.get(primary=True)
    if counts.judgments and not primary.judgments.exists():
        yield f"The primary criterion {primary.name} has no judgments, so the headline is of another one."
    if counts.completions_failed:
        yield f"{counts.completions_failed} completions could not be written."


def _of_exclusions(study: Study, counts: Flow) -> Iterator[str]:
    """Tell the rules that were applied from those that the plan had."""
    if counts.judgments_excluded:
        yield (
            f"{counts.judgments_excluded} judgments are excluded by rule; the rows of robustness show the "
            "result with them."
        )
    planned = {rule for key, rule in _OF_RULES.items() if key in study.quality}
    applied = Exclusion.objects.filter(study=study, revoked_at=None)
    unplanned = sorted({rule for (rule,) in applied.values_list("rule")} - planned)
    for rule in unplanned:
        number = applied.filter(rule=rule).count()
        yield f"The exclusion rule {rule} was applied ({number}), which the plan does not have."
    revoked = Exclusion.objects.filter(study=study, revoked_at__isnull=False).count()
    if revoked:
        yield f"{_were(revoked, 'exclusion')} revoked by hand."


def _of_looks(study: Study, looks: tuple[LookTaken, ...]) -> Iterator[str]:
    interim = plan_from(study.analysis).interim
    if looks and interim.method == NO_LOOKS:
        yield f"{_were(len(looks), 'look')} taken; the plan has none."
    if interim.method == GROUP_SEQUENTIAL and interim.looks is not None:
        made = len(looks) + 1
        if made != interim.looks:
            yield f"{_were(made, 'look')} made, the last one included; the plan allows {interim.looks}."
    after = [look.number for look in looks if look.stop]
    if after:
        yield f"Collection went on after look {after[0]}, at which the rule allowed to stop."


def _were(number: int, word: str) -> str:
    return f"1 {word} was" if number == 1 else f"{number} {word}s were"


def _of_time(study: Study) -> Iterator[str]:
    late = Judgment.objects.filter(assignment__study=study)
    if study.closed_at and late.filter(submitted_at__gt=study.closed_at).exists():
        yield "Judgments were stored after the study was closed."
    if study.opened_at and late.filter(submitted_at__lt=study.opened_at).exists():
        yield "Judgments were stored before the plan was frozen."
    if study.closed_at:
        excluded = Exclusion.objects.filter(study=study, created_at__gt=study.closed_at)
        yield from _after_closing(excluded.count(), study.closed_at)


def _after_closing(number: int, closed_at: datetime) -> Iterator[str]:
    if number:
        yield (
            f"{_were(number, 'exclusion')} made after the study was closed on {closed_at:%Y-%m-%d}, when "
            "results could be read."
        )


def _of_size(study: Study, counts: Flow) -> Iterator[str]:
    expected = plan_from(study.analysis).expected
    if expected is not None and counts.annotators_judged != expected.annotators:
        yield f"{counts.annotators_judged} annotators judged; the plan expected {expected.annotators}."
