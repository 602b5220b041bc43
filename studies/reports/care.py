"""How carefully each annotator judged, as far as checks, repeats, slots and the others tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from studies.analysis.multiplicity import holm
from studies.analysis.naive import sign_test
from studies.analysis.quality import FEW, LeaveOneOut, leave_one_out
from studies.analysis.records import LOSS, SLOT_UNKNOWN, TIE, WIN, Records
from studies.domain.conduct import Conduct
from studies.enums import Choice, Outcome

MANY = 200_000
"""Judgments up to which agreement is held against chance."""
_CODES = {Outcome.WIN: WIN, Outcome.LOSS: LOSS, Outcome.TIE: TIE}


@dataclass(frozen=True, slots=True)
class Care:
    """One annotator's care on the primary criterion; None where nothing tells of it."""

    checks: int
    passed: int
    posterior_low: float | None
    """Of passing a check, from a uniform prior."""
    posterior_high: float | None
    repeats: int
    alike: int
    shared: int
    """Judgments on comparisons that somebody else judged too."""
    agreement_others: float | None
    agreement_expected: float | None
    """The same when the annotator's answers are dealt to the comparisons at random."""
    p_agreement: float | None
    decided: int
    chose_a: int
    p_side: float | None
    """Two-sided exact test of 1/2, corrected for all annotators (Holm)."""
    one_side_only: bool
    order_imbalance: int
    """How many more comparisons were met in one order of the sides than in the other."""


def care(found: Mapping[int, Conduct], *, seed: int) -> dict[int, Care]:
    """Return everybody's care from how they answered; nothing here excludes anybody."""
    names = list(found)
    with_others = {one.annotator: one for one in _agreement(found, seed)}
    slots = [(each.answers[Choice.A], each.answers[Choice.B]) for each in found.values()]
    sides = holm([sign_test(a, b) if a + b else None for a, b in slots])
    return {
        name: _care(found[name], with_others.get(name), a, a + b, p)
        for name, (a, b), p in zip(names, slots, sides, strict=True)
    }


def _care(how: Conduct, others: LeaveOneOut | None, a: int, decided: int, p_side: float | None) -> Care:
    told = how.reliability
    return Care(
        checks=how.checks,
        passed=how.passed,
        posterior_low=told.posterior_low,
        posterior_high=told.posterior_high,
        repeats=how.repeats,
        alike=how.alike,
        shared=others.comparisons if others else 0,
        agreement_others=others.agreement if others else None,
        agreement_expected=others.expected if others else None,
        p_agreement=others.p_value if others else None,
        decided=decided,
        chose_a=a,
        p_side=p_side,
        one_side_only=decided >= FEW and a in {0, decided},
        order_imbalance=how.imbalance,
    )


def _agreement(found: Mapping[int, Conduct], seed: int) -> list[LeaveOneOut]:
    """Return everybody's agreement with the others, unless the judgments are too many for it."""
    if sum(len(how.first) for how in found.values()) > MANY:
        return []
    rows = [
        (name, *pair, _CODES[outcome]) for name, how in found.items() for pair, outcome in how.first.items()
    ]
    if not rows:
        return []
    table = np.array(rows, dtype=np.int64)
    _, comparison = np.unique(table[:, 1:3], axis=0, return_inverse=True)
    unknown = np.full(len(table), SLOT_UNKNOWN, dtype=np.int64)
    records = Records(table[:, 3], table[:, 0], comparison, comparison.astype(np.int64), unknown)
    return leave_one_out(records, rng=np.random.default_rng(seed))
