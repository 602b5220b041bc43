"""The position effect: whether slot A is chosen more often than slot B, whatever is in it."""

from __future__ import annotations

import numpy as np

from studies.analysis.interval import Estimate, estimate_share
from studies.analysis.records import SLOT_A, SLOT_UNKNOWN, WIN, Records


def slot_a_share(records: Records, *, alpha: float) -> Estimate:
    """Estimate how often slot A was chosen, among decided judgments whose slots are known.

    This goes back to the slot frame: slot A was chosen when the candidate was there and won, or was not
    there and lost. Interval and test are the headline's, clustered by annotator and prompt.
    """
    known = records.where(records.decided & (records.candidate_slot != SLOT_UNKNOWN))
    chose_a = (known.outcome == WIN) == (known.candidate_slot == SLOT_A)
    return estimate_share(chose_a.astype(np.float64), known.annotator, known.prompt, alpha=alpha)
