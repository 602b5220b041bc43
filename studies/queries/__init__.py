"""Shared reads. Counts are questions to the database; nothing here writes."""

from studies.queries.annotators import AnnotatorRow, annotator_rows
from studies.queries.counts import SlotCounts, completion_counts, median_active_ms, slot_counts
from studies.queries.listing import StudyRow, study_rows
from studies.queries.pairs import FLAGS, flag_counts, flags_of, pairs, strata

__all__ = [
    "FLAGS",
    "AnnotatorRow",
    "SlotCounts",
    "StudyRow",
    "annotator_rows",
    "completion_counts",
    "flag_counts",
    "flags_of",
    "median_active_ms",
    "pairs",
    "slot_counts",
    "strata",
    "study_rows",
]
