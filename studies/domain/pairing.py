"""From completions to comparisons, and from comparisons to the slot plan."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np

from generation.models import Completion
from studies.enums import Kind, Slot
from studies.models import Arm, Assignment, Comparison, Prompt, Study

_BATCH = 2_000


def pair_completions(study: Study) -> int:
    """Make a comparison of each candidate's completion with the baseline's. Harmless to repeat."""
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    texts = {(c.prompt_key, c.arm_key, c.replicate): c for c in done.defer("token_ids", "request")}
    arms = list(study.arms.all())
    pairs = [
        _comparison(study, prompt, (candidate, baseline), (first, second))
        for baseline in arms
        if baseline.baseline
        for candidate in arms
        if not candidate.baseline
        for prompt in study.prompts.all()
        for replicate in range(study.replicates)
        if (first := texts.get((prompt.key, candidate.key, replicate)))
        and (second := texts.get((prompt.key, baseline.key, replicate)))
    ]
    Comparison.objects.bulk_create(pairs, batch_size=_BATCH, ignore_conflicts=True)
    return len(pairs)


def _comparison(
    study: Study, prompt: Prompt, arms: tuple[Arm, Arm], completions: tuple[Completion, Completion]
) -> Comparison:
    return Comparison(
        study=study,
        prompt=prompt,
        candidate_arm=arms[0],
        baseline_arm=arms[1],
        candidate=completions[0],
        baseline=completions[1],
        identical=completions[0].text.strip() == completions[1].text.strip(),
    )


def plan_slots(study: Study) -> int:
    """Make the k rows of every comparison that is shown, orders balanced, from the study's seed.

    Within a comparison the candidate stands k // 2 times in A and k // 2 times in B. When k is odd
    the remaining row's order alternates from comparison to comparison.
    """
    shown = study.comparisons.filter(identical=False, kind=Kind.REAL).order_by("prompt__position", "id")
    rng = np.random.default_rng([study.seed, 1])
    rows = list(_rows(study, [pk for (pk,) in shown.values_list("id")], rng))
    Assignment.objects.bulk_create(rows, batch_size=_BATCH)
    return len(rows)


def _rows(study: Study, comparisons: list[int], rng: np.random.Generator) -> Iterator[Assignment]:
    extra = rng.permuted(np.arange(len(comparisons)) % 2)
    for comparison, odd in zip(comparisons, extra, strict=True):
        in_a = study.overlap // 2 + (int(odd) if study.overlap % 2 else 0)
        slots = rng.permuted([Slot.A.value] * in_a + [Slot.B.value] * (study.overlap - in_a))
        keys = rng.integers(0, 2**62, size=study.overlap)
        for ordinal, (slot, sort_key) in enumerate(zip(slots, keys, strict=True), start=1):
            yield Assignment(
                key=uuid.uuid4(),
                study=study,
                comparison_id=comparison,
                ordinal=ordinal,
                candidate_slot=str(slot),
                sort_key=int(sort_key),
            )
