"""What is asked of one result beyond its win rate: margins, differences between people and prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.analysis.absence import Absence, attempt
from studies.analysis.glmm import Glmm, glmm
from studies.analysis.heterogeneity import (
    Shrinkage,
    VarianceComponents,
    shrunk_rates,
    variance_components,
)
from studies.analysis.interval import Estimate
from studies.analysis.noninferiority import Equivalence, NonInferiority, equivalence, non_inferiority
from studies.analysis.planning import smallest_detectable
from studies.analysis.records import Floats, Records
from studies.analysis.regression import Adjusted, adjusted_win_rate


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


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What a study of the achieved precision could have shown."""

    se: float
    df: int
    power: float
    smallest_detectable: float | None
    """The win rate above 1/2 that is shown with this power; None where not even 1 is."""


POWER = 0.8


def sensitivity(estimate: Estimate, *, alpha: float) -> Sensitivity | Absence:
    """Return the smallest win rate that a study with this standard error detects."""
    if not estimate.se or not estimate.df:
        return Absence("There is no standard error to compute power from.")
    least = smallest_detectable(estimate.se, estimate.df, power=POWER, alpha=alpha)
    return Sensitivity(estimate.se, estimate.df, POWER, least)


@dataclass(frozen=True, slots=True)
class Models:
    """The win rate by models of decided judgments; each decides nothing beside the headline."""

    glmm: Glmm | Absence
    adjusted: Adjusted | Absence
    lengths: bool
    """Whether the judgments say how long the texts were."""


SKIPPED = Absence("Not fitted to so many judgments unless it is asked for (--model glmm).")
NOT_ASKED = Absence("Not asked for (--model cluster).")


def models(
    records: Records, lengths: tuple[Floats, Floats] | None, order: Floats | None, *, alpha: float
) -> Models:
    """Return the mixed model, and the win rate at equal length and on both sides equally.

    Parameters
    ----------
    lengths, order
        As in `Judgments`, of these records; lengths count only when every record has both.
    """
    known = lengths is not None and all(bool(np.all(np.isfinite(column))) for column in lengths)
    used = lengths if known else None
    return Models(
        attempt(lambda: glmm(records, alpha=alpha)),
        attempt(lambda: adjusted_win_rate(records, lengths=used, order=order, alpha=alpha)),
        known and len(records) > 0,
    )


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
