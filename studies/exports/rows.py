"""The rows of every table, one after another; nothing here holds a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generation.models import Completion
from studies.domain.unblinding import signed_strength, unblind
from studies.exports.columns import Row
from studies.exports.numbering import Numbering, stretches
from studies.models import Assignment, Exclusion, Judgment, Refusal, Report, Skip, Study
from studies.reports.export import active_rules, named

Rules = dict[int, set[str]]
_CHUNK = 2_000
_PAIR = "assignment__comparison__"
_JUDGMENT = (
    "assignment__comparison_id",
    f"{_PAIR}prompt__name",
    f"{_PAIR}prompt__stratum",
    "assignment__annotator__pseudonym",
    "criterion__name",
    f"{_PAIR}candidate_arm__name",
    f"{_PAIR}baseline_arm__name",
    "assignment__candidate_slot",
    "choice",
    "strength",
    "active_ms",
    "submitted_at",
    f"{_PAIR}kind",
    f"{_PAIR}candidate__token_count",
    f"{_PAIR}baseline__token_count",
    "ticked",
    "reason",
    "assignment__annotator_id",
    "pk",
)


def judgments(study: Study) -> Iterator[Row]:
    """Yield the judgments by comparison, row of the slot plan and criterion, the primary one first."""
    rules, name = active_rules(study), named(study)
    for numbers in stretches(study, each=study.judgments_each * study.criteria.count()):
        found = Judgment.objects.filter(assignment__comparison__in=list(numbers)).order_by(
            "assignment__comparison_id", "assignment__ordinal", "-criterion__primary", "criterion__position"
        )
        for row in found.values_list(*_JUDGMENT).iterator(chunk_size=_CHUNK):
            yield (name, *_judgment(row, numbers, *rules))


def _judgment(row: Row, numbers: dict[int, int], of_annotator: Rules, of_judgment: Rules) -> Row:
    (
        comparison, prompt, stratum, annotator, criterion, candidate, baseline, slot, choice, strength,
        active_ms, submitted_at, kind, candidate_tokens, baseline_tokens, ticked, reason, annotator_id, pk,
    ) = row  # fmt: skip
    rules = of_annotator.get(annotator_id, set()) | of_judgment.get(pk, set())
    return (
        numbers[comparison], prompt, stratum, annotator, criterion, candidate, baseline, slot,
        choice, signed_strength(choice, strength, candidate_slot=slot),
        unblind(choice, candidate_slot=slot).value,
        active_ms, submitted_at, kind, bool(rules), ";".join(sorted(rules)), candidate_tokens,
        baseline_tokens, ticked, reason,
    )  # fmt: skip


def assignments(study: Study) -> Iterator[Row]:
    """Yield the rows of the slot plan; an own row's ordinal is an id, which means nothing elsewhere."""
    for numbers in stretches(study, each=study.judgments_each):
        found = Assignment.objects.filter(comparison__in=list(numbers)).order_by("comparison_id", "ordinal")
        rows = found.values_list(
            "comparison_id", "comparison__kind", "ordinal", "annotator__pseudonym", "candidate_slot",
            "sort_key", "leased_at", "lease_expires_at", "submitted_at",
        )  # fmt: skip
        for comparison, kind, ordinal, *others in rows.iterator(chunk_size=_CHUNK):
            yield (numbers[comparison], ordinal if kind in ("real", "out") else None, *others)


def comparisons(study: Study) -> Iterator[Row]:
    """Yield the pairs, checks and repeats in the order of their numbers."""
    found = study.comparisons.order_by("pk").values_list(
        "prompt__name", "candidate_arm__name", "baseline_arm__name", "candidate__replicate", "kind",
        "identical", "decoy_made", "replaced", "decoy", "intact", "asked",
    )  # fmt: skip
    for number, row in enumerate(found.iterator(chunk_size=_CHUNK), start=1):
        yield (number, *row)


def completions(study: Study) -> Iterator[Row]:
    """Yield the finished completions by prompt, arm and replicate, as the study file orders them."""
    arms = dict(study.arms.values_list("key", "name"))
    for key, name in (
        study.prompts.order_by("position").values_list("key", "name").iterator(chunk_size=_CHUNK)
    ):
        done = Completion.objects.filter(
            batch_key=study.key, prompt_key=key, arm_key__in=arms, status=Completion.Status.DONE
        )
        rows = done.values_list(
            "arm_key", "replicate", "checkpoint__name", "text", "finish_reason", "token_count",
            "prompt_tokens", "token_ids", "attempts", "seconds", "forward_flops", "finished_at", "request",
            "provenance",
        )  # fmt: skip
        place = {arm: position for position, arm in enumerate(arms)}
        for arm, *others in sorted(rows, key=lambda row: (place[row[0]], row[1])):
            yield (name, arms[arm], *others)


def annotators(study: Study) -> Iterator[Row]:
    """Yield the annotators by pseudonym and nothing of who they are."""
    yield from study.annotators.order_by("pk").values_list(
        "pseudonym", "status", "simulated", "created_at", "consented_at", "consent_hash", "instructed_at",
        "practised", "attempts", "understood_at", "compared_at", "surveyed_at", "finished_at", "erased_at",
    ).iterator(chunk_size=_CHUNK)  # fmt: skip


def exclusions(study: Study) -> Iterator[Row]:
    """Yield the flags, revoked ones too; of an annotator, or of one judgment."""
    number = Numbering(study)
    found = Exclusion.objects.filter(study=study).order_by("pk").values_list(
        "annotator__pseudonym", "judgment__assignment__annotator__pseudonym",
        "judgment__assignment__comparison_id", "judgment__criterion__name", "rule", "reason", "created_at",
        "revoked_at",
    )  # fmt: skip
    for annotator, by, comparison, criterion, *others in found.iterator(chunk_size=_CHUNK):
        yield (annotator or by, None if comparison is None else number[comparison], criterion, *others)


def skips(study: Study) -> Iterator[Row]:
    """Yield what annotators gave back, and why."""
    number = Numbering(study)
    found = Skip.objects.filter(annotator__study=study).order_by("pk")
    for annotator, comparison, *others in found.values_list(
        "annotator__pseudonym", "comparison_id", "reason", "created_at"
    ).iterator(chunk_size=_CHUNK):
        yield (annotator, number[comparison], *others)


def refusals(study: Study) -> Iterator[Row]:
    """Yield the days on which somebody did not agree to take part."""
    days = Refusal.objects.filter(study=study).order_by("day", "pk").values_list("day", flat=True)
    for day in days.iterator(chunk_size=_CHUNK):
        yield (day.isoformat(),)


def reports(study: Study) -> Iterator[Row]:
    """Yield the finished reports; their files lie beside, as they were stored."""
    yield from Report.objects.filter(study=study, state="done").order_by("number").values_list(
        "number", "kind", "asked_by", "asked_at", "read_at", "made_at", "judgments", "judgments_hash",
        "plan_hash", "seed", "versions",
    )  # fmt: skip


def identities(study: Study) -> Iterator[Row]:
    """Yield whom a recruiting site knows by another name."""
    known = study.annotators.exclude(external_id="", session_id="").order_by("pk")
    yield from known.values_list("pseudonym", "external_id", "session_id").iterator(chunk_size=_CHUNK)


def survey(study: Study) -> Iterator[Row]:
    """Yield one row for each answer, in the order of the survey's questions."""
    names = [question["name"] for question in study.survey]
    for annotator, answers in (
        study.annotators.filter(surveyed_at__isnull=False)
        .order_by("pk")
        .values_list("pseudonym", "survey")
        .iterator(chunk_size=_CHUNK)
    ):
        given: dict[str, Any] = answers
        # Answers under a name that the survey no longer has are kept all the same, behind the others.
        for name in (*names, *sorted(set(given) - set(names))):
            if name in given:
                yield (annotator, name, given[name])
