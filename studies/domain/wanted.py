"""Which completions a study's plan has: all arms for each prompt, or only those that are compared on it.

``addition``: of the prompts that were added to an open study, one addition at a time, as the plan would
have it for these alone; 0 is the plan itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import numpy as np

from studies.domain.designs import Pair, planned_pairs
from studies.enums import Design
from studies.models import Arm, Prompt, Study


def compared(study: Study, *, addition: int = 0) -> list[list[Pair]]:
    """Return the pairs of each unit, prompts outside and replicates inside, by the arms' places."""
    baselines = list(study.arms.values_list("baseline", flat=True))
    return planned_pairs(
        study.design,
        arms=len(baselines),
        baseline=baselines.index(True),
        units=study.prompts.filter(addition=addition).count() * study.replicates,
        seed=_seed(study, addition),
    )


def _seed(study: Study, addition: int) -> int:
    """Return what pairs are drawn from: each addition draws for itself, the plan as it was frozen."""
    if not addition:
        return study.seed
    return int(np.random.SeedSequence([study.seed, addition]).generate_state(1, np.uint64)[0])


def units_of(study: Study, *, addition: int = 0) -> list[tuple[Prompt, int]]:
    """Return each prompt with each of its replicates."""
    prompts = study.prompts.filter(addition=addition)
    return [(prompt, number) for prompt in prompts for number in range(study.replicates)]


def wanted_places(study: Study, *, addition: int = 0) -> Iterator[tuple[Prompt, Arm, int]]:
    """Yield every completion of the plan: its prompt, its arm, its replicate."""
    arms = list(study.arms.select_related("checkpoint"))
    units = units_of(study, addition=addition)
    if study.design != Design.DRAWN:
        yield from ((prompt, arm, number) for arm in arms for prompt, number in units)
        return
    for (prompt, number), pairs in zip(units, compared(study, addition=addition), strict=True):
        for place in sorted({place for pair in pairs for place in pair}):
            yield prompt, arms[place], number


def wanted_counts(study: Study) -> dict[UUID, int]:
    """Return how many completions the plan has of each arm, by the arm's key, without reading a prompt."""
    keys = list(study.arms.values_list("key", flat=True))
    if study.design != Design.DRAWN:
        return dict.fromkeys(keys, study.prompts.filter(addition=0).count() * study.replicates)
    counted = Counter(place for pairs in compared(study) for pair in pairs for place in pair)
    return {key: counted[place] for place, key in enumerate(keys)}
