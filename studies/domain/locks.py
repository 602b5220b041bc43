"""Locks that the verbs of annotation take, always in this order: annotator, study, assignment."""

from __future__ import annotations

from django.db import connection

from studies.enums import StudyStatus
from studies.models import Annotator, Study


def lock_annotator(annotator: Annotator, *, hold_study: bool = False) -> Annotator:
    """Keep others out and read the study's status anew: one annotator takes one step at a time.

    Two tabs of one browser then queue instead of racing. Rows that refer to the annotator can
    still be written meanwhile. With ``hold_study`` the study cannot move until the transaction
    ends, see `held_status`. What else a study says is frozen while it has annotators. SQLite needs
    no lock: its transactions are immediate.
    """
    locks = ""
    if connection.vendor == "postgresql":
        locks = " FOR NO KEY UPDATE OF a" + (" FOR SHARE OF s" if hold_study else "")
    with connection.cursor() as cursor:
        # The suffix is one of three constants.
        cursor.execute(
            "SELECT s.status FROM studies_annotator a JOIN studies_study s ON s.id = a.study_id "  # noqa: S608
            f"WHERE a.id = %s{locks}",
            [annotator.pk],
        )
        found = cursor.fetchone()
    if found is None:
        raise Annotator.DoesNotExist
    annotator.study.status = StudyStatus(found[0])
    return annotator


def held_status(study: Study) -> StudyStatus:
    """Return a study's status and keep it from moving until the transaction ends.

    A shared lock: answers do not wait for each other, but closing waits for the answers that are
    being stored, and an answer that comes after sees the study closed.
    """
    suffix = " FOR SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        # The suffix is one of two constants.
        cursor.execute(f"SELECT status FROM studies_study WHERE id = %s{suffix}", [study.pk])  # noqa: S608
        (status,) = cursor.fetchone()
    return StudyStatus(status)
