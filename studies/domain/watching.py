"""Looking whether something has come about that somebody wants to be told of.

What nobody does, such as the last judgment's being there, is a query; a worker asks it from time to time.
Each finding has its occasion, so two workers that find the same tell it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from generation.models import Checkpoint
from generation.requests import progress
from studies import queries
from studies.domain.additions import waiting_additions
from studies.domain.conduct import Conduct, agree, conduct
from studies.domain.lifecycle import settle
from studies.domain.notices import announce
from studies.domain.quality import broken_rules
from studies.enums import NoticeEvent, StudyStatus
from studies.models import Alarm, Assignment, Exclusion, Study

WATCHED = (StudyStatus.GENERATING, StudyStatus.OPEN, StudyStatus.PAUSED)
_QUALITY_EVERY = timedelta(minutes=5)
"""Judging everybody's care reads all answers: of a million that takes seconds."""
_FEWEST_ANNOTATORS = 5
_FEWEST_CHECKS = 10
"""Fewer say nothing of the whole."""
_STEERING = ("study.generation_started", "study.generation_retried", "study.completion_retried")


@dataclass(frozen=True, slots=True)
class Quality:
    """How the annotators of a study do, in what an alarm rests on."""

    annotators: int
    """Those who have answered."""
    flagged: int
    """Those of them whom a rule of the plan would newly exclude."""
    checks: int
    failed: int

    @property
    def flagged_percent(self) -> float:
        """The share that would be excluded; 0 while too few have answered."""
        return 100 * self.flagged / self.annotators if self.annotators >= _FEWEST_ANNOTATORS else 0.0

    @property
    def failed_percent(self) -> float:
        """The share of attention checks that were not passed; 0 while there were too few."""
        return 100 * self.failed / self.checks if self.checks >= _FEWEST_CHECKS else 0.0


def watched_studies() -> list[Study]:
    """Return the studies in which something may come about that somebody wants to know."""
    return list(Study.objects.filter(status__in=WATCHED, notice_targets__isnull=False).distinct())


def look_round() -> None:
    """Look at every study that somebody wants to be told of."""
    for study in watched_studies():
        observe(study)


def observe(study: Study) -> None:
    """Tell what has come about in one study since the last look. Harmless to repeat."""
    study = settle(study)
    if study.status == StudyStatus.GENERATING:
        _see_failures(study)
    elif study.status in (StudyStatus.OPEN, StudyStatus.PAUSED):
        _see_filled(study)
        _see_quality(study)


def _see_failures(study: Study) -> None:
    far = progress(study.key)
    stuck = study.arms.filter(checkpoint__status=Checkpoint.Status.FAILED).exists()
    if far.claimed or not (stuck or (far.failed and not far.pending)):
        return
    # Whoever retries makes another occasion of the same failure.
    last = study.events.filter(action__in=_STEERING).order_by("-id").values_list("id", flat=True).first()
    announce(
        study=study,
        event=NoticeEvent.GENERATION_FAILED,
        occasion=f"failed:{last or 0}",
        completions=far.total,
        done=far.done,
        failed=far.failed,
        waiting=far.pending,
    )


def _see_filled(study: Study) -> None:
    slots = queries.slot_counts([study])[study.pk]
    if slots.full and not waiting_additions(study):
        announce(
            study=study,
            event=NoticeEvent.FILLED,
            occasion=f"filled:{slots.planned}",
            judgments=slots.filled,
            annotators=slots.annotators,
        )


def _see_quality(study: Study) -> None:
    alarm, _made = Alarm.objects.get_or_create(study=study)
    now = timezone.now()
    if not _worth_a_look(alarm):
        return
    taken = Alarm.objects.filter(Q(looked_at=None) | Q(looked_at__lte=now - _QUALITY_EVERY), pk=alarm.pk)
    if taken.update(looked_at=now):  # of several workers, one reads all the answers
        _judge(study, quality_of(study))


def _worth_a_look(alarm: Alarm) -> bool:
    answers = Assignment.objects.filter(study=alarm.study_id, submitted_at__isnull=False)
    if alarm.looked_at is not None:
        if alarm.looked_at > timezone.now() - _QUALITY_EVERY:
            return False
        answers = answers.filter(submitted_at__gt=alarm.looked_at)
    return answers.exists()


def quality_of(study: Study) -> Quality:
    """Return how the annotators of a study do."""
    how = conduct(study)
    agree(how)
    excluded = Exclusion.objects.filter(study=study, annotator__isnull=False)
    known = set(excluded.values_list("annotator_id", "rule"))
    answered = {pk: each for pk, each in how.items() if each.answers or each.checks}
    return Quality(
        annotators=len(answered),
        flagged=sum(_flagged(study, pk, each, known) for pk, each in answered.items()),
        checks=sum(each.checks for each in answered.values()),
        failed=sum(each.failed for each in answered.values()),
    )


def _flagged(study: Study, annotator: int, how: Conduct, known: set[tuple[int, str]]) -> bool:
    return any((annotator, rule) not in known for rule, _ in broken_rules(study, how))


def _judge(study: Study, quality: Quality) -> None:
    """Raise the alarm where a threshold is passed, once until it is no longer."""
    with transaction.atomic():
        alarm = Alarm.objects.select_for_update().get(study=study)
        passed = _reaches(quality.flagged_percent, alarm.flagged_percent) or _reaches(
            quality.failed_percent, alarm.failed_percent
        )
        if passed == alarm.raised:
            return
        alarm.raised = passed
        alarm.number += passed
        alarm.save(update_fields=["raised", "number"])
        if passed:
            announce(
                study=study,
                event=NoticeEvent.QUALITY,
                occasion=f"quality:{alarm.number}",
                annotators=quality.annotators,
                flagged=quality.flagged,
                checks=quality.checks,
                checks_failed=quality.failed,
            )


def _reaches(percent: float, threshold: int | None) -> bool:
    return threshold is not None and percent >= threshold
