"""How somebody becomes an annotator: joining, agreeing, reading the instructions, finishing."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from studies.domain.audit import sha256
from studies.domain.errors import StudyError
from studies.enums import AnnotatorStatus, StudyStatus
from studies.models import Annotator, Study

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are mistaken for each other when a code is copied by hand."""
_CODE_LENGTH = 8


def known(*, study: Study, token: str, external_id: str = "") -> Annotator | None:
    """Return the annotator that a browser or a recruiting site stands for. The site's id counts first."""
    if external_id:
        return study.annotators.filter(external_id=external_id).first()
    return study.annotators.filter(token=token).first()


@transaction.atomic
def join(*, study: Study, token: str, external_id: str = "", simulated: bool = False) -> Annotator:
    """Return the annotator of this browser, made at first call under the study's next pseudonym.

    Joining is serialised by the study's row, so that pseudonyms and external ids stay unique
    without retries. Joining again, with the same token or external id, returns the same annotator.
    """
    study = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    annotator = known(study=study, token=token, external_id=external_id)
    if annotator is not None:
        return annotator
    if study.status != StudyStatus.OPEN:
        message = "This study does not take new annotators at the moment."
        raise StudyError(message)
    return Annotator.objects.create(
        study=study,
        token=token,
        external_id=external_id,
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


def instruct(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator has read the instructions."""
    Annotator.objects.filter(pk=annotator.pk, instructed_at=None).update(instructed_at=now)


def finish(*, annotator: Annotator, now: datetime) -> None:
    """Record that an annotator has come to the end. The first time stands.

    Nobody finishes in a study that has just been paused: there may be more for them when it resumes.
    """
    unfinished = Annotator.objects.filter(pk=annotator.pk, finished_at=None, study__status=StudyStatus.OPEN)
    unfinished.update(finished_at=now, status=AnnotatorStatus.FINISHED)
