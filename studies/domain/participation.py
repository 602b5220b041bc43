"""How somebody becomes an annotator: joining, agreeing, reading the instructions, finishing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from studies.domain.audit import sha256
from studies.domain.errors import StudyError
from studies.domain.locks import lock_annotator
from studies.enums import AnnotatorStatus, StudyStatus
from studies.models import Annotator, Refusal, Study

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are mistaken for each other when a code is copied by hand."""
_CODE_LENGTH = 8
_FRESH = ("key", "plan_hash", "status", "simulated", "invite", "invite_until")
"""What of an opened study may change, or tells it from another."""
ATTEMPTS = 2
"""At the comprehension check, as recruiting sites ask for."""


class Comprehension(Enum):
    """What became of an attempt at the comprehension check."""

    PASSED = auto()
    TRY_AGAIN = auto()
    SCREENED_OUT = auto()


def known(*, study: Study, token: str, external_id: str = "") -> Annotator | None:
    """Return the annotator that a browser or a recruiting site stands for. The site's id counts first."""
    if external_id:
        return study.annotators.filter(external_id=external_id).first()
    return study.annotators.filter(token=token).first()


def returning(*, invite: str, token: str, external_id: str = "") -> Annotator | None:
    """Return the annotator that `known` would, with the study of a link, in one query.

    Of a study whose plan is frozen only what can still change is read anew.
    """
    who = {"external_id": external_id} if external_id else {"token": token}
    fresh = {f"fresh_{column}": F(f"study__{column}") for column in _FRESH}
    annotator = Annotator.objects.filter(study__invite=invite, **who).annotate(**fresh).first()
    if annotator is not None:
        now = {column: getattr(annotator, f"fresh_{column}") for column in _FRESH}
        annotator.study = _as_it_is(annotator.study_id, now)
    return annotator


def _as_it_is(pk: int, now: Mapping[str, Any]) -> Study:
    if not now["plan_hash"]:
        return Study.objects.defer("plan").get(pk=pk)
    study = copy(_frozen(now["key"], pk, now["plan_hash"]))
    for column, value in now.items():
        setattr(study, column, value)
    return study


@lru_cache(maxsize=64)
def _frozen(_key: UUID, pk: int, _plan_hash: str) -> Study:
    return Study.objects.defer("plan").get(pk=pk)


@transaction.atomic
def join(
    *, study: Study, token: str, external_id: str = "", session_id: str = "", simulated: bool = False
) -> Annotator:
    """Return the annotator of this browser, made at first call under the study's next pseudonym.

    Joining is serialised by the study's row, so that pseudonyms and external ids stay unique
    without retries. Joining again, with the same token or external id, returns the same annotator.
    """
    study = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    annotator = known(study=study, token=token, external_id=external_id)
    if annotator is not None:
        return annotator
    if study.status != StudyStatus.OPEN:
        message = _("This study does not take new annotators at the moment.")
        raise StudyError(message)
    return Annotator.objects.create(
        study=study,
        token=token,
        external_id=external_id,
        session_id=session_id,
        pseudonym=_next_pseudonym(study),
        code="".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH)),
        simulated=simulated or study.simulated,
    )


def _next_pseudonym(study: Study) -> str:
    number = study.annotators.count() + 1
    while study.annotators.filter(pseudonym=f"annotator-{number:04}").exists():
        number += 1
    return f"annotator-{number:04}"


def consent(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator agreed, and to which text. The first agreement stands."""
    Annotator.objects.filter(pk=annotator.pk, consented_at=None).update(
        consented_at=now, consent_hash=sha256(annotator.study.consent)
    )


def decline(*, study: Study, now: datetime) -> None:
    """Count that somebody did not agree, on which day, and nothing about them."""
    Refusal.objects.create(study=study, day=now.date())


def instruct(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator has read the instructions."""
    Annotator.objects.filter(pk=annotator.pk, instructed_at=None).update(instructed_at=now)


def practise(*, annotator: Annotator, number: int) -> None:
    """Record that practice pair ``number`` is done. Pressing twice moves on once."""
    Annotator.objects.filter(pk=annotator.pk, practised=number).update(practised=number + 1)


@transaction.atomic
def check_comprehension(
    *, annotator: Annotator, answers: Sequence[str], attempt: int, now: datetime
) -> Comprehension:
    """Compare the answers with the right ones, which never leave the server.

    Passed once is passed. After the last of the attempts the annotator is screened out. A page that
    is sent twice, or comes from another tab, spends one attempt: it names the attempt that it is.
    """
    annotator = lock_annotator(annotator)
    if annotator.understood_at is not None:
        return Comprehension.PASSED
    if annotator.status == AnnotatorStatus.SCREENED:
        return Comprehension.SCREENED_OUT
    if attempt != annotator.attempts:
        return Comprehension.TRY_AGAIN
    if list(answers) == [question["answer"] for question in annotator.study.comprehension]:
        Annotator.objects.filter(pk=annotator.pk).update(understood_at=now)
        return Comprehension.PASSED
    annotator.attempts += 1
    if annotator.attempts >= ATTEMPTS:
        annotator.status = AnnotatorStatus.SCREENED
    annotator.save(update_fields=["attempts", "status"])
    return Comprehension.SCREENED_OUT if annotator.attempts >= ATTEMPTS else Comprehension.TRY_AGAIN


def compared(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator has compared all there was; the survey comes next, if there is one."""
    unfinished = Annotator.objects.filter(
        pk=annotator.pk, compared_at=None, finished_at=None, study__status=StudyStatus.OPEN
    )
    unfinished.update(compared_at=now)
    if not annotator.study.survey or annotator.surveyed_at is not None:
        finish(annotator=annotator, now=now)


def answer_survey(*, annotator: Annotator, answers: Mapping[str, Any], now: datetime) -> None:
    """Store what an annotator said in the survey, once, and let them finish."""
    unasked = Annotator.objects.filter(pk=annotator.pk, surveyed_at=None, compared_at__isnull=False)
    unasked.update(survey=dict(answers), surveyed_at=now)
    finish(annotator=annotator, now=now)


def finish(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator has come to the end. The first time stands.

    Nobody finishes in a study that has just been paused: there may be more for them when it resumes.
    """
    unfinished = Annotator.objects.filter(pk=annotator.pk, finished_at=None, study__status=StudyStatus.OPEN)
    unfinished.update(finished_at=now, status=AnnotatorStatus.FINISHED)
