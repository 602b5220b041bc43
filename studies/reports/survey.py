"""The survey's answers as a file of their own: one row per annotator, one column per question."""

from __future__ import annotations

import csv
import io
from typing import Any

from studies.analysis.csv_table import neutralise
from studies.models import Study
from studies.reports.export import iso, named


def survey_csv(study: Study) -> str:
    """Return the answers of everybody who has answered, in the order of the survey's questions."""
    names = [question["name"] for question in study.survey]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["study", "annotator", "answered_at", *map(neutralise, names)])
    for annotator in study.annotators.filter(surveyed_at__isnull=False):
        answers = [neutralise(_told(annotator.survey.get(name))) for name in names]
        at = iso(annotator.surveyed_at) if annotator.surveyed_at else ""
        writer.writerow([neutralise(named(study)), annotator.pseudonym, at, *answers])
    return buffer.getvalue()


def _told(answer: Any) -> str:
    if answer is None:
        return ""
    return "; ".join(answer) if isinstance(answer, list) else str(answer)
