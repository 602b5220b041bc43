"""Every invariant of a study, verified anew from its rows: what constraints keep, and what they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.models import Count, Exists, F, OuterRef, Q

from generation.models import Completion
from studies.domain.audit import find_break
from studies.domain.plan import frozen_plan, plan_hash
from studies.domain.wanted import wanted_counts
from studies.enums import CHOICES, Decoy, Kind, Scale, Slot
from studies.models import Annotator, Assignment, Judgment, Study

Check = Callable[[Study], Iterator[str]]


def violations(study: Study) -> Iterator[str]:
    """Yield what is wrong with ``study``, a sentence each, the most basic first. Nothing is changed."""
    for check in _CHECKS:
        yield from check(study)


def _completions(study: Study) -> Iterator[str]:
    """Exactly one completion per prompt, arm and replicate of the plan, once the study has been generated."""
    if not study.frozen:
        return
    wanted = sum(wanted_counts(study).values())
    added = study.prompts.exclude(addition=0).values("key")
    batch = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    done = batch.exclude(prompt_key__in=added).count() if study.additions else batch.count()
    if done != wanted:
        yield f"{done} completions are done, and the plan has {wanted}."


def _pairs(study: Study) -> Iterator[str]:
    """A comparison's completions are by its arms, for its prompt."""
    fitting = Q(
        candidate__prompt_key=F("prompt__key"),
        baseline__prompt_key=F("prompt__key"),
        candidate__arm_key=F("candidate_arm__key"),
        baseline__arm_key=F("baseline_arm__key"),
        candidate__replicate=F("baseline__replicate"),
    )
    for pk in study.comparisons.exclude(fitting).values_list("pk", flat=True):
        yield f"Comparison {pk} holds a completion of another prompt, arm or replicate."


def _exactly_k(study: Study) -> Iterator[str]:
    """Every comparison that is shown has k rows, half of them in each order; an automatic tie has none."""
    if not study.frozen:
        return
    counted = study.comparisons.filter(kind=Kind.REAL).annotate(
        rows=Count("assignments"),
        in_a=Count("assignments", filter=Q(assignments__candidate_slot=Slot.A)),
    )
    for comparison in counted:
        wanted = 0 if comparison.identical else study.judgments_each
        if comparison.rows != wanted:
            yield f"Comparison {comparison.pk} has {comparison.rows} rows instead of {wanted}."
        elif abs(2 * comparison.in_a - comparison.rows) > study.judgments_each % 2:
            yield f"Comparison {comparison.pk} has {comparison.in_a} of {comparison.rows} rows in order AB."


def _once_each(study: Study) -> Iterator[str]:
    """No annotator has two rows of a comparison."""
    twice = (
        study.assignments.filter(annotator__isnull=False)
        .values("comparison", "annotator__pseudonym")
        .annotate(rows=Count("pk"))
        .filter(rows__gt=1)
        .order_by("comparison")
    )
    for row in twice:
        yield f"{row['annotator__pseudonym']} has {row['rows']} rows of comparison {row['comparison']}."


def _answers(study: Study) -> Iterator[str]:
    """A submitted row has one judgment per criterion, any other row none."""
    criteria = study.criteria.count()
    for row in study.assignments.annotate(answers=Count("judgments")).order_by("pk"):
        wanted = criteria if row.submitted_at else 0
        if row.answers != wanted:
            yield f"Row {row.pk} has {row.answers} judgments instead of {wanted}."


def _offered(study: Study) -> Iterator[str]:
    """A choice is one that its criterion's scale offers, and only graded scales have a strength."""
    for criterion in study.criteria.all():
        scale = Scale(criterion.scale)
        graded = scale in (Scale.FIVE_POINT, Scale.SEVEN_POINT)
        wrong = criterion.judgments.exclude(choice__in=CHOICES[scale], strength__isnull=not graded)
        for pk, choice in wrong.values_list("pk", "choice"):
            yield f"Judgment {pk} is “{choice}”, which “{criterion.name}” does not offer in this form."


def _within_time(study: Study) -> Iterator[str]:
    """Answers come while the study takes them, after their lease began and after consent."""
    rows = Assignment.objects.filter(study=study, submitted_at__isnull=False)
    outside = Q(submitted_at__lt=F("leased_at")) | Q(submitted_at__lt=F("study__opened_at"))
    if study.closed_at:
        outside |= Q(submitted_at__gt=study.closed_at)
    for pk in rows.filter(outside).values_list("pk", flat=True):
        yield f"Row {pk} was answered outside its time."
    unasked = Q(annotator__consented_at=None) | Q(annotator__consented_at__gt=F("submitted_at"))
    if study.comprehension:
        unasked |= Q(annotator__understood_at=None) | Q(annotator__understood_at__gt=F("submitted_at"))
    for pk in rows.filter(unasked).values_list("pk", flat=True):
        yield f"Row {pk} was answered before its annotator agreed to take part, or was let in."


def _quota(study: Study) -> Iterator[str]:
    """Nobody judges more than the quota."""
    answered = Q(assignments__submitted_at__isnull=False, assignments__comparison__kind=Kind.REAL)
    counted = Annotator.objects.filter(study=study).annotate(done=Count("assignments", filter=answered))
    for pseudonym, done in counted.filter(done__gt=study.quota).values_list("pseudonym", "done"):
        yield f"{pseudonym} judged {done} comparisons; the quota is {study.quota}."


def _checks(study: Study) -> Iterator[str]:
    """The study's checks are as many as its plan says, and nobody met more own rows than planned."""
    if not study.frozen:
        return
    for made in Decoy:
        wanted = study.checks.get(made.value, 0)
        there = study.comparisons.filter(kind=Kind.CHECK, decoy_made=made).count()
        if there != wanted:
            yield f"{there} checks are made as “{made.value}”, and the plan has {wanted}."
    met = Annotator.objects.filter(study=study).annotate(
        repeats=Count("assignments", filter=Q(assignments__comparison__kind=Kind.REPEAT))
    )
    for pseudonym, repeats in met.filter(repeats__gt=study.repeats).values_list("pseudonym", "repeats"):
        yield f"{pseudonym} has {repeats} repeats; the plan has {study.repeats}."
    strange = ~Q(annotator=F("ordinal")) | Q(annotator=None)
    own = study.assignments.exclude(comparison__kind=Kind.REAL)
    for pk in own.filter(strange).values_list("pk", flat=True):
        yield f"Row {pk} is of a check or a repeat, and not of the annotator that it was made for."
    yield from _unswapped(study)


def _unswapped(study: Study) -> Iterator[str]:
    """A repeat shows what its annotator has judged, with the sides swapped."""
    first = Assignment.objects.filter(
        comparison__kind=Kind.REAL,
        annotator=OuterRef("annotator"),
        comparison__candidate=OuterRef("comparison__candidate"),
        comparison__baseline=OuterRef("comparison__baseline"),
        submitted_at__isnull=False,
    ).exclude(candidate_slot=OuterRef("candidate_slot"))
    repeats = study.assignments.filter(comparison__kind=Kind.REPEAT, submitted_at__isnull=False)
    for pk in repeats.filter(~Exists(first)).values_list("pk", flat=True):
        yield f"Row {pk} repeats a comparison that its annotator did not judge in the other order."


def _of_this_study(study: Study) -> Iterator[str]:
    """Judgments, rows and annotators belong to the same study."""
    foreign = Q(annotator__isnull=False) & ~Q(annotator__study=study) | ~Q(comparison__study=study)
    for pk in study.assignments.filter(foreign).values_list("pk", flat=True):
        yield f"Row {pk} belongs to an annotator or comparison of another study."
    strange = Judgment.objects.filter(assignment__study=study).exclude(criterion__study=study)
    for pk in strange.values_list("pk", flat=True):
        yield f"Judgment {pk} answers a criterion of another study."


def _servers(study: Study) -> Iterator[str]:
    """A server's row is what its name was made of, and a server's texts come from the server of their arm."""
    for arm in study.arms.select_related("checkpoint"):
        called = arm.checkpoint.called
        if called is None:
            continue
        if not called.name == arm.checkpoint.name == arm.decoding.checkpoint:
            yield f"The endpoint of arm “{arm.name}” is no longer what the study file said."
        served = Completion.objects.filter(
            batch_key=study.key, arm_key=arm.key, provenance__engine="endpoint"
        ).exclude(provenance__base_url=called.base_url, provenance__model=called.model)
        if strangers := served.count():
            yield f"Completions of arm “{arm.name}” that come from another server: {strangers}."


def _plan(study: Study) -> Iterator[str]:
    """The frozen plan is what its hash says, and what the study still is."""
    if study.plan is None:
        return
    if plan_hash(study.plan) != study.plan_hash:
        yield "The frozen plan does not have the hash that was stored with it."
    if frozen_plan(study) != study.plan:
        yield "The study is no longer what its frozen plan says: a setting or a completion's text changed."


def _audit(_: Study) -> Iterator[str]:
    """The log's hashes follow one another."""
    broken = find_break()
    if broken:
        yield f"The audit log was tampered with: event {broken.event} {broken.what}."


_CHECKS: tuple[Check, ...] = (
    _completions,
    _pairs,
    _exactly_k,
    _once_each,
    _answers,
    _offered,
    _within_time,
    _quota,
    _checks,
    _of_this_study,
    _servers,
    _plan,
    _audit,
)
