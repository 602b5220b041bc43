"""Why annotators chose as they did, as a table of its own: it enters no analysis."""

from __future__ import annotations

import csv
import io

from studies.analysis.csv_table import neutralise
from studies.domain.unblinding import unblind
from studies.models import Judgment, Study
from studies.reports.export import named

COLUMNS = ("study", "comparison", "prompt", "annotator", "criterion", "outcome", "ticked", "reason")


def reasons_csv(study: Study) -> str:
    """Return one row for each answer with a reason; ticked reasons are parted by semicolons."""
    given = Judgment.objects.filter(assignment__study=study, assignment__comparison__kind="real")
    study_name = named(study)  # which says in every row if the study is simulated
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for comparison, prompt, annotator, criterion, choice, slot, ticked, reason in given.order_by(
        "assignment__comparison_id", "pk"
    ).values_list(
        "assignment__comparison_id",
        "assignment__comparison__prompt__name",
        "assignment__annotator__pseudonym",
        "criterion__name",
        "choice",
        "assignment__candidate_slot",
        "ticked",
        "reason",
    ):
        if ticked or reason:
            outcome = unblind(choice, candidate_slot=slot).value
            row = (
                study_name,
                str(comparison),
                prompt,
                annotator,
                criterion,
                outcome,
                "; ".join(ticked),
                reason,
            )
            writer.writerow(map(neutralise, row))
    return out.getvalue()
