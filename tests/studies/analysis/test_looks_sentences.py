"""No sentence claims more than its test: every outcome of looks and of gates, and its words."""

import numpy as np
import pytest

from studies.analysis.looks import LookPlan
from studies.analysis.plan import GATEKEEPING, Interim
from studies.analysis.sentence import looks_sentence, non_inferiority_sentence, sentence
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,criterion,outcome,submitted_at"
METHODS = [Interim("group_sequential", 3), Interim("group_sequential", 3, "pocock"), Interim("anytime_valid")]


def judged(**shares):
    """Return 600 judgments of each criterion, one share of wins in each half, annotators in turn."""
    rng = np.random.default_rng(6)
    rows = [
        f"{k},p{k % 23},a{k // 15},{name},{outcome},2026-01-{1 + k // 30:02}T00:00:00Z"
        for k in range(600)
        for name, halves in shares.items()
        for outcome in ["win" if rng.random() < halves[k // 300] else "loss"]
    ]
    return judgments_of(*rows, header=HEADER)


def over_looks(interim, *halves):
    data = judged(quality=halves)
    moment = float(np.median(data.times()))
    found = analyze(data, looks=LookPlan(interim, (moment - 1.0,), 600))
    return found.headline, looks_sentence(found.looks, found.headline)


@pytest.mark.parametrize("interim", METHODS)
@pytest.mark.parametrize(
    ("halves", "decision"),
    [((0.75, 0.75), "superior"), ((0.25, 0.25), "inferior"), ((0.5, 0.5), "not shown")],
)
def test_each_outcome_of_the_looks_has_its_own_words(interim, halves, decision):
    result, said = over_looks(interim, *halves)
    first = sentence(result)

    assert result.decision == decision
    assert ("crossed in favour of the candidate" in said) == (decision == "superior")
    assert ("crossed in favour of the baseline" in said) == (decision == "inferior")
    assert ("was not crossed" in said) == (decision == "not shown")
    assert ("Annotators preferred the candidate to" in first) == (decision == "superior")
    assert ("Annotators preferred the baseline to" in first) == (decision == "inferior")
    assert "over all looks [" in first
    assert "over all looks p" in first


@pytest.mark.parametrize("halves", [(0.95, 0.0), (0.05, 1.0)])
def test_looks_that_contradict_each_other_prefer_nobody(halves):
    result, said = over_looks(METHODS[0], *halves)

    assert result.decision == "not shown"
    assert "contradict each other" in said
    assert "in favour of" not in said
    assert "Annotators preferred" not in sentence(result)


SHARES = {"first-wins": 0.75, "first-loses": 0.25, "first-even": 0.5}


@pytest.mark.parametrize("first", SHARES)
@pytest.mark.parametrize("second", [0.75, 0.5, 0.25])
def test_a_closed_gate_keeps_every_later_claim_unsaid(first, second):
    share = SHARES[first]
    data = judged(quality=(share, share), tone=(second, second))

    found = analyze(data, multiplicity=GATEKEEPING, margin=0.1, criterion="quality")
    later = found.results[1]
    main, worse = sentence(later), non_inferiority_sentence(later)

    opened = first == "first-wins"
    assert later.gate_closed == (not opened or second == 0.25)
    assert ("was not tested, because the plan" in worse) == (not opened)
    assert ("was non-inferior" in worse) == (opened and second >= 0.5)
    assert ("It was not shown that" in worse) == (opened and second == 0.25)
    assert ("was not tested, because the plan" in main) == later.gate_closed
    assert ("Annotators preferred the candidate" in main) == (opened and second == 0.75)
    assert "Annotators preferred the baseline" not in main
