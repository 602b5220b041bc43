"""What is asked of one result beyond its win rate: margins, differences between people and prompts."""

from __future__ import annotations

from dataclasses import dataclass

from studies.analysis.absence import Absence, attempt
from studies.analysis.heterogeneity import (
    Shrinkage,
    VarianceComponents,
    shrunk_rates,
    variance_components,
)
from studies.analysis.interval import Estimate
from studies.analysis.noninferiority import Equivalence, NonInferiority, equivalence, non_inferiority
from studies.analysis.records import Records


@dataclass(frozen=True, slots=True)
class Margins:
    """Both tests against a margin that was fixed before the data were seen."""

    non_inferiority: NonInferiority
    equivalence: Equivalence


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How much annotators, and prompts, differ in how often they prefer the candidate."""

    components: VarianceComponents | Absence
    annotators: Shrinkage | Absence
    prompts: Shrinkage | Absence


def margins(estimate: Estimate, *, margin: float, alpha: float) -> Margins:
    """Test the win rate against 1/2 - margin and, for equivalence, 1/2 + margin."""
    return Margins(
        non_inferiority(estimate, margin=margin, alpha=alpha),
        equivalence(estimate, margin=margin, alpha=alpha),
    )


def heterogeneity(records: Records, *, alpha: float) -> Heterogeneity:
    """Return the parts of the variance, and each annotator's and prompt's rate shrunk to the mean."""
    credit, annotator, prompt = records.credit, records.annotator, records.prompt
    return Heterogeneity(
        attempt(lambda: variance_components(credit, annotator, prompt)),
        attempt(lambda: shrunk_rates(credit, annotator, alpha=alpha)),
        attempt(lambda: shrunk_rates(credit, prompt, alpha=alpha)),
    )
