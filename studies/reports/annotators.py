"""The annotators' table as a file: pseudonyms only, one row each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from studies.analysis.csv_table import neutralise
from studies.domain.annotator_table import AnnotatorLine
from studies.models import Study
from studies.reports.export import iso, named

COLUMNS = (
    "study", "annotator", "simulated", "status", "consented_at", "finished_at", "last_seen", "judgments",
    "median_active_ms", "chose_a", "decided", "checks", "checks_passed", "reliability", "reliability_low",
    "reliability_high", "repeats", "repeats_alike", "agreement", "agreement_comparisons", "excluded",
    "exclusion_rules", "exclusion_reasons",
)  # fmt: skip


def annotators_csv(study: Study, lines: Iterable[AnnotatorLine]) -> Iterator[str]:
    """Yield the file line by line; what a spreadsheet could run is made harmless."""
    yield _line(COLUMNS)
    for line in lines:
        yield _line([_cell(value) for value in (named(study), *_values(line))])


def _values(line: AnnotatorLine) -> Iterator[object]:
    annotator, row, how, told = line.row.annotator, line.row, line.how, line.how.reliability
    yield from (annotator.pseudonym, int(annotator.simulated), line.state)
    yield from (annotator.consented_at, annotator.finished_at, row.last_seen)
    yield from (row.judgments, row.median_ms, row.picked_a, row.decided, how.checks, how.passed)
    reliability = (told.posterior_mean, told.posterior_low, told.posterior_high)
    yield from reliability if how.checks else (None, None, None)
    yield from (how.repeats, how.alike, how.others_agreement, len(how.agreed), int(bool(row.exclusions)))
    yield "; ".join(exclusion.rule for exclusion in row.exclusions)
    yield "; ".join(exclusion.reason for exclusion in row.exclusions)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, str):
        return neutralise(value)  # a figure below zero is no formula
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
