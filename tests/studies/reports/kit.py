"""Closed studies with known judgments, for the tests of the reports."""

import uuid

import numpy as np
from django.utils import timezone

from studies.domain import lifecycle
from studies.enums import Scale
from studies.models import Judgment, Study
from tests.factories import AnnotatorFactory, open_study

CRITERIA = (("follows", Scale.BOTH_BAD), ("answers", Scale.TIE))


def judged_study(*, annotators: int = 8, comparisons: int = 10, overlap: int = 4, **fields) -> Study:
    """Return a closed study in which simulated preferences lean to the candidate; the same each time."""
    fields = {"criteria": CRITERIA, "quota": 50} | fields
    study = open_study(comparisons=comparisons, overlap=overlap, **fields)
    people = [
        AnnotatorFactory(study=study, pseudonym=f"annotator-{number + 1:04}") for number in range(annotators)
    ]
    rng = np.random.default_rng(5)
    now = timezone.now()
    made = []
    rows = study.assignments.order_by("comparison", "ordinal")
    for index, assignment in enumerate(rows):
        # Annotators take turns; the shift lets everybody meet different company.
        number = (index + index // (overlap * annotators)) % annotators
        assignment.annotator = people[number]
        assignment.leased_at = assignment.lease_expires_at = assignment.submitted_at = now
        assignment.save()
        slots = [assignment.candidate_slot] * 4 + ["A", "B", "tie", "both_bad"]
        made += [
            Judgment(
                assignment=assignment,
                criterion=criterion,
                choice=slots[rng.integers(8 if criterion.primary else 7)],
                active_ms=int(rng.integers(2000, 9000)),
                key=uuid.uuid4(),
                submitted_at=now,
            )
            for criterion in study.criteria.all()
        ]
    Judgment.objects.bulk_create(made)
    return lifecycle.close_study(study=study, actor="tests")


def exclude(study: Study, pseudonym: str = "annotator-0002", **fields):
    """Leave an annotator out, straight in the table."""
    annotator = study.annotators.get(pseudonym=pseudonym)
    return annotator.exclusions.create(study=study, rule="too-fast", reason="Below two seconds.", **fields)
