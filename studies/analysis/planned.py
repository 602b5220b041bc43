"""The parts of an analysis that a plan asks for: its headline, looks, order of claims, subgroups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studies.analysis.absence import Absence, attempt
from studies.analysis.further import Margins, Models
from studies.analysis.gates import Step, gates
from studies.analysis.influence import control_row, influence_rows
from studies.analysis.looks import Looks, looks
from studies.analysis.panels import Panels, panels
from studies.analysis.plan import GATEKEEPING, NO_LOOKS
from studies.analysis.records import Judgments, Mask, Records
from studies.analysis.robustness import RobustnessRow, model_rows, robustness, with_looks
from studies.analysis.scores import Graded, graded
from studies.analysis.settings import AnalysisError, Settings
from studies.analysis.subgroups import Subgroup, subgroups
from studies.analysis.winrate import DROP, WinRate

NO_STRATUM = "(none)"
TWO_STEPS = 2
Cell = tuple[int, int]
"""A criterion and a pair of arms, as numbers in the judgments."""


def headline_of(judgments: Judgments, cells: Sequence[Cell], primary: str, controls: tuple[str, ...]) -> Cell:
    """Return the primary criterion of the first pair that is no control."""
    of_primary = [cell for cell in cells if judgments.criteria[cell[0]] == primary]
    return next(
        (cell for cell in of_primary if judgments.pairs[cell[1]].candidate not in controls), of_primary[0]
    )


def looks_of(judgments: Judgments, cell: Cell, settings: Settings) -> Looks | Absence | None:
    """Return the plan's rule over all looks, of one criterion and pair of arms."""
    plan = settings.looks
    if plan is None or plan.interim.method == NO_LOOKS:
        return None
    mask = _used(judgments, cell, settings.ties)
    times = judgments.times()
    seen = None if times is None else times[mask]
    return attempt(lambda: looks(judgments.records.where(mask), seen, plan, alpha=settings.alpha))


def _used(judgments: Judgments, cell: Cell, ties: str) -> Mask:
    """Return which judgments a win rate is made of, ties treated as the plan says."""
    mask = judgments.mask(*cell)
    return mask & judgments.records.decided if ties == DROP else mask


def robustness_of(
    judgments: Judgments,
    headline: Cell,
    fitted: Models | None,
    settings: Settings,
    looked: Looks | Absence | None,
) -> tuple[RobustnessRow, ...]:
    """Return every row beside the headline: looks, rules, models, influence, placebo and controls."""
    alpha, seed = settings.alpha, settings.seed
    rows = robustness(
        judgments,
        criterion=headline[0],
        pair=headline[1],
        ties=settings.ties,
        alpha=alpha,
        draws=settings.draws_for(len(judgments)),
        seed=seed,
    )
    used = judgments.records.where(_used(judgments, headline, settings.ties))
    controls = [
        control_row(
            pair,
            judgments.records.where(_used(judgments, (headline[0], number), settings.ties)),
            rows[0],
            alpha=alpha,
        )
        for number, pair in enumerate(judgments.pairs)
        if pair.candidate in settings.controls
    ]
    return (
        *with_looks(rows, looked),
        *model_rows(fitted),
        *influence_rows(used, rows[0], alpha=alpha, seed=seed),
        *controls,
    )


def subgroups_of(judgments: Judgments, cells: Sequence[Cell], settings: Settings) -> list[Subgroup]:
    """Return the win rate of every criterion and pair within every stratum."""
    if judgments.stratum is None:
        return []
    parts = []
    for c, p in cells:
        mask = _used(judgments, (c, p), settings.ties)
        for number, name in enumerate(judgments.strata):
            within = judgments.records.where(mask & (judgments.stratum == number))
            if len(within):
                names = (judgments.criteria[c], *judgments.pairs[p], name or NO_STRATUM)
                parts.append((names, within))
    return subgroups(parts, alpha=settings.alpha)


def steps_of(
    judgments: Judgments,
    cells: Sequence[Cell],
    rates: Sequence[WinRate],
    tests: tuple[Sequence[float | None], Sequence[Margins | None]],
    settings: Settings,
) -> dict[Cell, tuple[Step, ...]] | None:
    """Return the claims of every criterion and pair in the plan's order, where it has one.

    ``tests`` are the p-values against 1/2, and the tests against the margin.
    """
    p_values, margins = tests
    if settings.multiplicity != GATEKEEPING:
        return None
    first = judgments.criteria.index(primary_of(judgments, settings.criterion))
    order = sorted(range(len(cells)), key=lambda at: (cells[at][0] != first, cells[at][0]))
    family = {p for _, p in cells if judgments.pairs[p].candidate not in settings.controls}
    found: dict[Cell, tuple[Step, ...]] = {}
    for pair in {p for _, p in cells}:
        own = [at for at in order if cells[at][1] == pair]
        steps = gates(
            [(judgments.criteria[cells[at][0]], rates[at].estimate, p_values[at]) for at in own],
            margin=settings.margin,
            alpha=settings.alpha,
            pairs=max(1, len(family)),
            worse=[p_worse(margins[at]) for at in own],
        )
        for at in own:
            name = judgments.criteria[cells[at][0]]
            found[cells[at]] = tuple(step for step in steps if step.criterion == name)
    return found


def p_worse(found: Margins | None) -> float | None:
    """Return the p-value of non-inferiority."""
    return None if found is None else found.non_inferiority.p_value


def panels_of(judgments: Judgments, cell: Cell, settings: Settings) -> Panels:
    """Return the win rate by slot and by length."""
    mask = _used(judgments, cell, settings.ties)
    lengths = None if judgments.lengths is None else (judgments.lengths[0][mask], judgments.lengths[1][mask])
    return panels(judgments.records.where(mask), lengths, alpha=settings.alpha)


def graded_of(judgments: Judgments, mask: Mask, records: Records, settings: Settings) -> Graded | None:
    """Return the analysis of scores, when every judgment has one and some have more than one step."""
    if judgments.strength is None or not len(records):
        return None
    scores = judgments.strength[mask]
    if not np.all(np.isfinite(scores)) or np.abs(scores).max() < TWO_STEPS:
        return None
    return graded(records, scores, alpha=settings.alpha, seed=settings.seed)


def primary_of(judgments: Judgments, criterion: str | None) -> str:
    """Return the criterion that is asked for, or the first of the file."""
    if criterion is None:
        return judgments.criteria[0]
    if criterion not in judgments.criteria:
        known = ", ".join(judgments.criteria)
        message = f"no judgment has the criterion {criterion!r}; the file has: {known}"
        raise AnalysisError(message)
    return criterion
