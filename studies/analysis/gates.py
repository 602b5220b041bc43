"""Gatekeeping: claims tested in the plan's order, each only after every one before it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.analysis.interval import Estimate
from studies.analysis.noninferiority import non_inferiority

SUPERIORITY, NON_INFERIORITY = "superiority", "non_inferiority"
SHOWN, NOT_SHOWN, NOT_TESTED = "shown", "not shown", "not tested"


@dataclass(frozen=True, slots=True)
class Step:
    """One claim in its turn."""

    criterion: str
    claim: str
    p_value: float | None
    """Of its own test: two-sided for superiority, one-sided for non-inferiority."""
    p_corrected: float | None
    """The largest until here, times the pairs of arms; None where the claim was not tested."""
    decision: str


def gates(
    criteria: Sequence[tuple[str, Estimate, float | None]],
    *,
    margin: float | None,
    alpha: float,
    pairs: int = 1,
    worse: Sequence[float | None] | None = None,
) -> tuple[Step, ...]:
    """Test superiority on the first criterion, then non-inferiority, then superiority on the others.

    Parameters
    ----------
    criteria
        Of one pair of arms in the plan's order: name, estimate, and the p-value of its test against 1/2
        (which may be one over several looks).
    margin
        Of non-inferiority; None leaves those claims out.
    alpha
        Chance of any false claim over all steps of all pairs.
    pairs
        How many pairs of arms have such a sequence; each gets its share of alpha (Bonferroni).
    worse
        The p-values of each criterion's test of non-inferiority, where they are not those of one look.

    Notes
    -----
    Every step uses the whole of its pair's alpha, because it is made only after all before it rejected.
    The first claim is that the candidate is superior: an inferior one opens no gate.

    References
    ----------
    Maurer, Hothorn & Lehmacher (1995), in Biometrie in der chemisch-pharmazeutischen Industrie 6, 3-18.
    """
    if not criteria:
        return ()
    claims = [(SUPERIORITY, criteria[0])]
    if margin is not None:
        worse = worse or [non_inferiority(each[1], margin=margin, alpha=alpha).p_value for each in criteria]
        claims += [(NON_INFERIORITY, each) for each in criteria[1:]]
    claims += [(SUPERIORITY, each) for each in criteria[1:]]
    steps: list[Step] = []
    largest, opened = 0.0, True
    names = [name for name, _, _ in criteria]
    for number, (claim, (name, estimate, p_two_sided)) in enumerate(claims):
        p_value = worse[names.index(name)] if worse and claim == NON_INFERIORITY else p_two_sided
        if not opened or p_value is None:
            steps.append(Step(name, claim, p_value, None, NOT_TESTED))
            opened = False
            continue
        largest = max(largest, p_value)
        corrected = min(1.0, pairs * largest)
        shown = corrected < alpha
        steps.append(Step(name, claim, p_value, corrected, SHOWN if shown else NOT_SHOWN))
        above = estimate.mean is not None and estimate.mean > 0.5  # noqa: PLR2004 - the null
        opened = shown and (number > 0 or above)
    return tuple(steps)
