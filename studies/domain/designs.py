"""Which pairs of arms are compared on which prompt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from studies.enums import Design

Pair = tuple[int, int]
"""The candidate's and the baseline's place among the arms."""


def pairs_per_prompt(arms: int, design: str) -> int:
    """Return how many pairs of arms one completion each of a prompt makes."""
    if arms <= 1:
        return 0
    sizes = {
        Design.BASELINE: arms - 1,
        Design.ALL_PAIRS: arms * (arms - 1) // 2,
        Design.BALANCED: arms // 2,
        Design.DRAWN: 1,
    }
    return sizes[Design(design)]


def arms_per_prompt(arms: int, design: str) -> int:
    """Return how many arms write a completion of each prompt: all, but where only drawn ones are compared."""
    return min(2, arms) if design == Design.DRAWN else arms


def planned_pairs(design: str, *, arms: int, baseline: int, units: int, seed: int) -> list[list[Pair]]:
    """Return the pairs of arms compared in each of ``units``, a unit being a prompt and replicate.

    The study's baseline is the baseline of every pair it is in; of two other arms the later one in
    the study file is the candidate. The balanced design gives each unit one round of a tournament:
    every arm at most once, and over the study all pairs equally often, within one. Rounds and arms
    are drawn from the study's seed. The drawn design gives each unit one candidate, in permuted blocks:
    of so many units in a row as there are candidates each gets another, so that every stretch of prompts
    has all of them about equally often, and the study all of them within one.
    """
    if design == Design.BASELINE:
        return [[(arm, baseline) for arm in range(arms) if arm != baseline]] * units
    if design == Design.ALL_PAIRS:
        return [[_roles(pair, baseline) for pair in combinations(range(arms), 2)]] * units
    if design == Design.DRAWN:
        return [[(arm, baseline)] for arm in _drawn(arms, baseline, units, seed)]
    rng = np.random.default_rng([seed, 4])
    names = rng.permutation(arms)
    rounds = [
        sorted(_roles((int(names[one]), int(names[two])), baseline) for one, two in matches)
        for matches in tournament(arms)
    ]
    return [rounds[number] for number in rng.permuted(np.arange(units) % len(rounds))]


def _drawn(arms: int, baseline: int, units: int, seed: int) -> list[int]:
    """Return each unit's candidate: every block holds each of them once, the last block as many as fit."""
    rng = np.random.default_rng([seed, 5])
    candidates = np.array([arm for arm in range(arms) if arm != baseline])
    blocks = -(-units // len(candidates))
    order = [int(arm) for _ in range(blocks) for arm in rng.permutation(candidates)]
    return order[:units]


def tournament(arms: int) -> list[list[Pair]]:
    """Return rounds in which every pair of arms meets once, and each arm at most once a round.

    The circle method: one place stands still and the others move on; an odd number gets an empty
    place, and whoever meets it sits out.
    """
    places = arms + arms % 2
    circle = list(range(places - 1))
    rounds = []
    for turn in range(places - 1):
        turned = [*circle[turn:], *circle[:turn], places - 1]
        rounds.append([pair for pair in _circle(turned) if max(pair) < arms])
    return rounds


def _circle(turned: Sequence[int]) -> list[Pair]:
    """Return who meets whom: the first the one that stands still, the others across the circle."""
    still, moving = turned[-1], turned[:-1]
    across = [(moving[at], moving[-at]) for at in range(1, (len(moving) + 1) // 2)]
    return [(moving[0], still), *across]


def _roles(pair: Pair, baseline: int) -> Pair:
    one, two = sorted(pair)
    return (one, two) if two == baseline else (two, one)
