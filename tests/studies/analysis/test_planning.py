"""Plans: arithmetic, simulation, and what more judgments cannot do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from studies.analysis.planning import (
    Assumptions,
    Design,
    achieved_power,
    credit_variance,
    design_effect,
    least_se,
    planned_power,
    require,
    simulate,
    smallest_detectable,
    t_power,
)
from studies.analysis.refusal import RefusalError

CLUSTERED = Assumptions(win_rate=0.6, tie_rate=0.2, rho_annotators=0.05, rho_prompts=0.04)
DESIGN = Design(annotators=30, prompts=40, per_prompt=5)


def test_the_design_effect_by_hand():
    # 1 + (200 / 30 - 1) * .05 + (5 - 1) * .04.
    power = planned_power(CLUSTERED, DESIGN)

    assert power.design_effect == pytest.approx(1 + (200 / 30 - 1) * 0.05 + 4 * 0.04)
    assert power.effective_n == pytest.approx(200 / power.design_effect)
    # W .5, T .2, L .3: variance .5 + .05 - .36.
    assert power.se**2 == pytest.approx(0.19 * power.design_effect / 200)
    assert design_effect(0.5, 1, rho_annotators=0.5, rho_prompts=0.5) == 1


# Parts of 1,024 are added without rounding, so that both sides agree on what is negative.
SHARES = st.integers(0, 1024).map(lambda part: part / 1024)


@given(SHARES, SHARES)
def test_the_credit_variance_is_that_of_the_outcomes(win_rate, tie_rate):
    wins, losses = win_rate - tie_rate / 2, 1 - win_rate - tie_rate / 2
    if min(wins, losses) < 0:
        with pytest.raises(RefusalError):
            credit_variance(win_rate, tie_rate)
        return

    assert credit_variance(win_rate, tie_rate) == pytest.approx(wins + tie_rate / 4 - win_rate**2, abs=1e-12)


def test_power_is_the_one_sample_t_tests():
    # Oracle: statsmodels' one-sample t test of 25 values, effect size .4.
    expected = TTestPower().power(0.4, 25, 0.05)

    assert t_power(0.4, 1 / 25**0.5, 24, alpha=0.05) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("vary", ["annotators", "prompts", "per_prompt"])
@pytest.mark.parametrize("wish", [{"power": 0.8}, {"margin": 0.07}])
def test_the_requirement_is_the_smallest_that_reaches(vary, wish):
    found = require(CLUSTERED, DESIGN, vary=vary, **wish)

    def reaches(value):
        design = {"annotators": 30, "prompts": 40, "per_prompt": 5} | {vary: value}
        power = planned_power(CLUSTERED, Design(**design))
        return power.power >= 0.8 if "power" in wish else power.margin <= 0.07

    assert reaches(found.value)
    assert not reaches(found.value - 1)


def test_more_judgments_cannot_replace_more_clusters():
    strong = Assumptions(win_rate=0.55, rho_annotators=0.2, rho_prompts=0.1)

    found = require(strong, Design(20, 30, 3), vary="per_prompt", power=0.9)

    assert (found.value, found.reached) == (None, None)
    assert found.verdict.startswith("not reachable: with more judgments per prompt alone")
    # v = .2475; .2 / 20 + .1 / 30.
    assert least_se(strong, Design(20, 30, 3)) == pytest.approx((0.2475 * (0.01 + 0.1 / 30)) ** 0.5)


def test_prompts_alone_cannot_replace_annotators():
    strong = Assumptions(win_rate=0.55, rho_annotators=0.2)

    assert require(strong, Design(20, 30, 3), vary="prompts", power=0.9).value is None


def test_no_effect_has_the_tests_level_as_its_power():
    power = planned_power(Assumptions(win_rate=0.5), DESIGN)

    assert power.power == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(
    ("assumptions", "design"),
    [(CLUSTERED, DESIGN), (Assumptions(0.62), Design(20, 60, 2)), (Assumptions(0.5, 0.3, 0.1, 0.1), DESIGN)],
)
def test_simulated_studies_agree_with_the_plan(assumptions, design):
    planned = planned_power(assumptions, design)

    simulated = simulate(assumptions, design, rng=np.random.default_rng(1), replications=300)

    # 300 replications have a standard error of at most .029; the report's largest variance costs some power.
    assert planned.power - 0.12 < simulated.rejected < planned.power + 0.08
    assert simulated.mean_se == pytest.approx(planned.se, rel=0.1)
    assert simulated.covered > 0.91


def test_simulations_are_redone_by_their_seed():
    one, other = (simulate(CLUSTERED, DESIGN, rng=np.random.default_rng(4), replications=5) for _ in range(2))

    assert one == other


def test_few_clusters_carry_a_caveat_and_ties_only_have_no_spread():
    power = planned_power(Assumptions(0.5, 1.0), Design(4, 10, 2))

    assert (power.se, power.power) == (0.0, 0.0)
    assert "Below 6 clusters" in power.caveats[0]


def test_achieved_power_and_what_was_detectable():
    detectable = smallest_detectable(0.03, 33)

    assert achieved_power(0.03, 33, win_rate=detectable) == pytest.approx(0.8, abs=1e-6)
    assert smallest_detectable(0.5, 5) is None
    with pytest.raises(RefusalError):
        achieved_power(0.03, 0, win_rate=0.6)


@pytest.mark.parametrize(
    ("assumptions", "design"),
    [
        (CLUSTERED, Design(1, 40, 1)),
        (CLUSTERED, Design(30, 1, 5)),
        (CLUSTERED, Design(4, 40, 5)),
        (CLUSTERED, Design(300, 40, 5)),
        (Assumptions(0.6, rho_annotators=0.8, rho_prompts=0.8), DESIGN),
        (Assumptions(0.6, rho_annotators=-0.1), DESIGN),
        (Assumptions(0.95, 0.4), DESIGN),
    ],
)
def test_plans_without_meaning_are_refused(assumptions, design):
    with pytest.raises(RefusalError):
        planned_power(assumptions, design)


@pytest.mark.parametrize(
    "wish",
    [
        {"vary": "annotators"},
        {"vary": "annotators", "power": 0.8, "margin": 0.1},
        {"vary": "x", "power": 0.8},
    ],
)
def test_wishes_without_meaning_are_refused(wish):
    with pytest.raises(RefusalError):
        require(CLUSTERED, DESIGN, **wish)


def test_correlations_without_room_cannot_be_simulated():
    with pytest.raises(RefusalError, match="no room"):
        simulate(Assumptions(0.9, 0.1, 0.3, 0.3), DESIGN, rng=np.random.default_rng(1))
