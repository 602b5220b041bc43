"""Shared reads. Counts are questions to the database; nothing here writes."""

from studies.queries.annotators import AnnotatorRow, annotator_rows
from studies.queries.answers import ArmAnswers, arm_answers
from studies.queries.checkpoints import CheckpointRow, checkpoint_rows
from studies.queries.collection import Span, activity, fill_levels, left_out_annotators, problems
from studies.queries.cost import ArmCost, arm_costs
from studies.queries.counts import SlotCounts, completion_counts, median_active_ms, slot_counts
from studies.queries.listing import StudyRow, study_rows
from studies.queries.pairs import LEFT_OUT, pair_keys, pairs, pairs_of, strata
from studies.queries.scan import ArmFlags, PairFlags, Scan, scan, text_findings

__all__ = [
    "LEFT_OUT",
    "AnnotatorRow",
    "ArmAnswers",
    "ArmCost",
    "ArmFlags",
    "CheckpointRow",
    "PairFlags",
    "Scan",
    "SlotCounts",
    "Span",
    "StudyRow",
    "activity",
    "annotator_rows",
    "arm_answers",
    "arm_costs",
    "checkpoint_rows",
    "completion_counts",
    "fill_levels",
    "left_out_annotators",
    "median_active_ms",
    "pair_keys",
    "pairs",
    "pairs_of",
    "problems",
    "scan",
    "slot_counts",
    "strata",
    "study_rows",
    "text_findings",
]
