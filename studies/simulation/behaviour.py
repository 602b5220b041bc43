"""How a simulated annotator chooses: a logit model with crossed random effects, ties and lapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from studies.enums import Choice, Slot

_READING_MS = 9_000
_READING_SPREAD = 0.45


@dataclass(frozen=True, slots=True)
class Crowd:
    """The true state of a simulated study.

    Win rates are those of decided judgments at an annotator and a prompt without peculiarities;
    spreads are standard deviations on the logit scale.
    """

    seed: int
    win_rates: Mapping[str, float]
    """By criterion; the empty name stands for all that are not named."""
    tie_rate: float = 0.15
    lapse_rate: float = 0.03
    """How often an annotator answers without looking."""
    position_bias: float = 0.1
    """Added to the logit of slot A."""
    annotator_spread: float = 0.35
    prompt_spread: float = 0.27
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for the log, enough to do it again."""
        return asdict(self) | {"win_rates": dict(self.win_rates), "details": dict(self.details)}

    def logit(self, criterion: str) -> float:
        """Return the logit of a criterion's win rate."""
        rate = self.win_rates.get(criterion, self.win_rates.get("", 0.5))
        return float(np.log(rate / (1 - rate)))


class Mind:
    """One simulated annotator. The same seed and number always choose alike."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        rng = np.random.default_rng([crowd.seed, 0, number])
        self._bent = float(rng.normal(0, crowd.annotator_spread))

    def choose(
        self, *, criterion: str, prompt: int, candidate_slot: Slot, offered: list[str], meeting: int = 1
    ) -> str:
        """Return one of ``offered`` (``A``, ``tie``, ``B``, or graded ``A2`` ... ``B2``).

        At a second ``meeting``, in a swapped repeat, taste and bent are the same and luck is new.
        """
        crowd = self._crowd
        stream = 1 if meeting == 1 else 4
        rng = np.random.default_rng([crowd.seed, stream, self._number, prompt, *criterion.encode()])
        taste = np.random.default_rng([crowd.seed, 2, prompt, *criterion.encode()])
        lapse, tie, draw = rng.random(3)
        if lapse < crowd.lapse_rate:
            return str(rng.choice(offered))
        ties = [value for value in offered if value.startswith(Choice.TIE)]
        if ties and tie < crowd.tie_rate:
            return ties[0]
        side = crowd.position_bias if candidate_slot is Slot.A else -crowd.position_bias
        logit = crowd.logit(criterion) + self._bent + taste.normal(0, crowd.prompt_spread) + side
        slot = candidate_slot if draw < 1 / (1 + np.exp(-logit)) else candidate_slot.other
        return str(rng.choice([value for value in offered if value.startswith(slot)]))

    def recognise(self, *, criterion: str, check: int, intact: Slot, offered: list[str]) -> str:
        """Answer an attention check: the intact response is plain to see, unless nobody looks."""
        rng = np.random.default_rng([self._crowd.seed, 5, self._number, check, *criterion.encode()])
        lapse = rng.random() < self._crowd.lapse_rate
        return str(rng.choice([value for value in offered if lapse or value.startswith(intact)]))

    def reading_ms(self, prompt: int) -> int:
        """Return how long the annotator looks at a comparison, in milliseconds."""
        rng = np.random.default_rng([self._crowd.seed, 3, self._number, prompt])
        return int(_READING_MS * np.exp(rng.normal(0, _READING_SPREAD)))
