import numpy as np
import pytest

from studies.domain.unblinding import unblind
from studies.enums import Outcome, Slot
from studies.simulation.behaviour import Crowd, Mind

OFFERED = ["A", "tie", "B"]


def outcomes(crowd, *, minds=60, prompts=60, offered=OFFERED):
    for number in range(minds):
        mind = Mind(crowd, number)
        for prompt in range(prompts):
            slot = Slot.A if (number + prompt) % 2 else Slot.B
            choice = mind.choose(criterion="tone", prompt=prompt, candidate_slot=slot, offered=offered)
            yield choice, unblind(choice[0] if choice[0] in "AB" else "tie", candidate_slot=slot)


def decided_rate(crowd):
    found = [outcome for _, outcome in outcomes(crowd) if outcome is not Outcome.TIE]
    return np.mean([outcome is Outcome.WIN for outcome in found])


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.8])
def test_decided_judgments_win_at_the_true_rate(rate):
    crowd = Crowd(seed=1, win_rates={"": rate}, annotator_spread=0, prompt_spread=0, lapse_rate=0)

    # 3,600 choices, about 15 % of them ties: the standard error is below .01.
    assert decided_rate(crowd) == pytest.approx(rate, abs=0.04)


def test_ties_come_at_their_rate():
    crowd = Crowd(seed=2, win_rates={"": 0.7}, tie_rate=0.4, lapse_rate=0)

    ties = np.mean([outcome is Outcome.TIE for _, outcome in outcomes(crowd)])

    assert ties == pytest.approx(0.4, abs=0.04)


def test_position_bias_draws_choices_to_slot_a():
    crowd = Crowd(seed=3, win_rates={"": 0.5}, position_bias=1.0, tie_rate=0, lapse_rate=0)

    share = np.mean([choice == "A" for choice, _ in outcomes(crowd)])

    assert share > 0.65


def test_named_criterion_has_its_own_rate():
    crowd = Crowd(seed=4, win_rates={"": 0.5, "tone": 0.9})

    assert crowd.logit("tone") == pytest.approx(np.log(9))
    assert crowd.logit("other") == 0


def test_same_seed_and_number_choose_alike():
    crowd = Crowd(seed=5, win_rates={"": 0.6})

    assert list(outcomes(crowd, minds=5, prompts=9)) == list(outcomes(crowd, minds=5, prompts=9))


def test_graded_scale_is_answered_with_a_degree_on_the_chosen_side():
    offered = ["A2", "A1", "tie0", "B1", "B2"]

    choices = {choice for choice, _ in outcomes(Crowd(seed=6, win_rates={"": 0.5}), offered=offered)}

    assert choices == set(offered)


def test_reading_takes_seconds():
    times = [Mind(Crowd(seed=7, win_rates={}), number).reading_ms(1) for number in range(50)]

    assert 2_000 < np.median(times) < 30_000
