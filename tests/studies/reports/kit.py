"""Closed studies with known judgments, for the tests of the reports."""

import uuid

import numpy as np
from django.utils import timezone

from studies.domain import lifecycle
from studies.enums import Scale
from studies.models import Judgment, Study
from studies.reports.looks import take_look
from tests.factories import AnnotatorFactory, open_study

CRITERIA = (("follows", Scale.BOTH_BAD), ("answers", Scale.TIE))


PLAN = {
    "margin": 0.1,
    "multiplicity": "gatekeeping",
    "subgroups": "stratum",
    "interim": {"method": "group_sequential", "looks": 3},
    "expected": {"win_rate": 0.65, "annotators": 8, "rho_annotators": 0.05, "rho_prompts": 0.05},
}
"""Everything that a plan can ask of the analysis."""


def judged_study(
    *, annotators: int = 8, comparisons: int = 10, overlap: int = 4, looks: int = 0, **fields
) -> Study:
    """Return a closed study in which simulated preferences lean to the candidate; the same each time.

    So many ``looks`` are taken on the way, after equal parts of the judgments.
    """
    fields = {"criteria": CRITERIA, "quota": 50} | fields
    study = open_study(comparisons=comparisons, overlap=overlap, **fields)
    people = [
        AnnotatorFactory(study=study, pseudonym=f"annotator-{number + 1:04}") for number in range(annotators)
    ]
    rng = np.random.default_rng(5)
    rows = list(study.assignments.order_by("comparison", "ordinal"))
    parts = np.array_split(np.arange(len(rows)), looks + 1)
    for number, part in enumerate(parts):
        made = []
        for index in part.tolist():
            # Annotators take turns; the shift lets everybody meet different company.
            turn = (index + index // (overlap * annotators)) % annotators
            made += _judged(rows[index], people[turn], rng)
        Judgment.objects.bulk_create(made)
        if number < looks:
            take_look(study=study, actor="ada")
    return lifecycle.close_study(study=study, actor="tests")


def planned_study(**fields) -> Study:
    """Return a closed study whose plan asks for everything, with a graded criterion, and one look taken."""
    asked = {
        "criteria": (("follows", Scale.FIVE_POINT), ("answers", Scale.TIE)),
        "analysis": PLAN,
        "strata": ("code", "prose"),
        "looks": 1,
    }
    return judged_study(**asked | fields)


def _judged(assignment, annotator, rng) -> list[Judgment]:
    now = timezone.now()
    assignment.annotator = annotator
    assignment.leased_at = assignment.lease_expires_at = assignment.submitted_at = now
    assignment.save()
    slots = [assignment.candidate_slot] * 4 + ["A", "B", "tie", "both_bad"]
    made = []
    for criterion in assignment.study.criteria.all():
        graded = criterion.scale in (Scale.FIVE_POINT, Scale.SEVEN_POINT)
        choice = slots[rng.integers(8 if criterion.primary and not graded else 7)]
        made.append(
            Judgment(
                assignment=assignment,
                criterion=criterion,
                choice=choice,
                strength=(0 if choice == "tie" else int(rng.integers(1, 3))) if graded else None,
                active_ms=int(rng.integers(2000, 9000)),
                key=uuid.uuid4(),
                submitted_at=now,
            )
        )
    return made


def exclude(study: Study, pseudonym: str = "annotator-0002", **fields):
    """Leave an annotator out, straight in the table."""
    annotator = study.annotators.get(pseudonym=pseudonym)
    return annotator.exclusions.create(study=study, rule="too-fast", reason="Below two seconds.", **fields)
