"""Which completions a study's plan has: all arms for each prompt, or only those that are compared on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from studies.domain.designs import Pair, planned_pairs
from studies.enums import Design
from studies.models import Arm, Prompt, Study


def compared(study: Study) -> list[list[Pair]]:
    """Return the pairs of each unit, prompts outside and replicates inside, by the arms' places."""
    baselines = list(study.arms.values_list("baseline", flat=True))
    return planned_pairs(
        study.design,
        arms=len(baselines),
        baseline=baselines.index(True),
        units=study.prompts.count() * study.replicates,
        seed=study.seed,
    )


def wanted_places(study: Study) -> Iterator[tuple[Prompt, Arm, int]]:
    """Yield every completion of the plan: its prompt, its arm, its replicate."""
    arms = list(study.arms.select_related("checkpoint"))
    units = [(prompt, number) for prompt in study.prompts.all() for number in range(study.replicates)]
    if study.design != Design.DRAWN:
        yield from ((prompt, arm, number) for arm in arms for prompt, number in units)
        return
    for (prompt, number), pairs in zip(units, compared(study), strict=True):
        for place in sorted({place for pair in pairs for place in pair}):
            yield prompt, arms[place], number


def wanted_counts(study: Study) -> dict[UUID, int]:
    """Return how many completions the plan has of each arm, by the arm's key, without reading a prompt."""
    keys = list(study.arms.values_list("key", flat=True))
    if study.design != Design.DRAWN:
        return dict.fromkeys(keys, study.prompts.count() * study.replicates)
    counted = Counter(place for pairs in compared(study) for pair in pairs for place in pair)
    return {key: counted[place] for place, key in enumerate(keys)}
