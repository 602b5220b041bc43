"""Locks that the verbs of annotation take, always in this order: annotator, study, assignment."""

from __future__ import annotations

from django.db import connection

from studies.enums import StudyStatus
from studies.models import Annotator, Study


def lock_annotator(annotator: Annotator) -> Annotator:
    """Read an annotator anew and keep others out: one annotator takes one step at a time.

    Two tabs of one browser then queue instead of racing. Rows that refer to the annotator can
    still be written meanwhile. SQLite needs no lock: its transactions are immediate.
    """
    locked = Annotator.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("study").get(pk=annotator.pk)


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
