"""Strata: each on its own, corrected together as a screen."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,stratum,annotator,criterion,outcome"


def strata(names=("code", "prose", ""), shares=(0.8, 0.55, 0.5), seed=4):
    rng = np.random.default_rng(seed)
    rows = [
        f"{s}{p},{s}p{p},{name},a{a},{criterion},{'win' if rng.random() < share else 'loss'}"
        for s, (name, share) in enumerate(zip(names, shares, strict=True))
        for p in range(6)
        for a in range(8)
        for criterion in ("follows", "answers")
    ]
    return judgments_of(*rows, header=HEADER)


def test_every_stratum_of_every_criterion_is_estimated_by_itself():
    found = analyze(strata(), subgroups="stratum", model="cluster", draws=0).subgroups

    assert [(one.criterion, one.stratum, one.estimate.n) for one in found] == [
        (criterion, stratum, 48)
        for criterion in ("follows", "answers")
        for stratum in ("code", "prose", "(none)")
    ]


def test_they_are_corrected_together_as_a_screen():
    found = analyze(strata(), subgroups="stratum", model="cluster", draws=0).subgroups

    # Oracle: statsmodels 0.14, which needs the method named.
    expected = multipletests([one.estimate.p_value for one in found], method="fdr_bh")[1]
    assert [one.p_bh for one in found] == pytest.approx(expected.tolist())


def test_they_are_not_made_unless_asked_for_or_without_strata():
    one = strata(names=("code", "code", "code"))

    assert analyze(strata(), model="cluster", draws=0).subgroups == ()
    assert analyze(one, subgroups="stratum", model="cluster", draws=0).subgroups == ()
