"""From completions to comparisons, and from comparisons to the slot plan."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from generation.models import Completion
from studies.domain.free_rows import ORDINAL_BITS, SLOT_BITS
from studies.domain.wanted import compared, units_of
from studies.enums import Kind, Slot
from studies.models import Arm, Assignment, Comparison, Prompt, Study

_BATCH = 2_000
_ADDED = 6
"""Of the study's seed: what the orders of added comparisons are drawn from."""


def pair_completions(study: Study) -> int:
    """Make the comparisons that the study's design asks for. Harmless to repeat."""
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    texts = _by_place(done)
    pairs = _pairs(study, texts, addition=0)
    there = {(pair.candidate_id, pair.baseline_id): pair for pair in study.comparisons.all()}
    fresh = [pair for pair in pairs if (pair.candidate_id, pair.baseline_id) not in there]
    Comparison.objects.bulk_create(fresh, batch_size=_BATCH, ignore_conflicts=True)
    for pair in pairs:
        known = there.get((pair.candidate_id, pair.baseline_id))
        if known and known.identical != pair.identical:
            # A completion was drawn anew since the pair was made.
            known.identical = pair.identical
            known.save(update_fields=["identical"])
    return len(pairs)


def pair_addition(study: Study, addition: int) -> list[Comparison]:
    """Make the comparisons of an addition's prompts that have none yet, as far as completions are there."""
    waiting = study.prompts.filter(addition=addition, comparisons=None)
    keys = list(waiting.values_list("key", flat=True))
    done = Completion.objects.filter(batch_key=study.key, prompt_key__in=keys, status=Completion.Status.DONE)
    pairs = _pairs(study, _by_place(done), addition=addition)
    whole = Counter(pair.prompt_id for pair in pairs)
    wanted = Counter[int]()
    for (prompt, _), compared_pairs in zip(
        units_of(study, addition=addition), compared(study, addition=addition), strict=True
    ):
        wanted[prompt.pk] += len(compared_pairs)
    # A prompt is served as a whole: what is missing would be a comparison that nobody sees is missing.
    fresh = [pair for pair in pairs if whole[pair.prompt_id] == wanted[pair.prompt_id]]
    return Comparison.objects.bulk_create(fresh, batch_size=_BATCH)


def _by_place(done: QuerySet[Completion]) -> dict[tuple[uuid.UUID, uuid.UUID, int], Completion]:
    return {(c.prompt_key, c.arm_key, c.replicate): c for c in done.defer("token_ids", "request")}


def _pairs(
    study: Study, texts: dict[tuple[uuid.UUID, uuid.UUID, int], Completion], *, addition: int
) -> list[Comparison]:
    arms = list(study.arms.all())
    units = units_of(study, addition=addition)
    return [
        _comparison(study, prompt, (arms[candidate], arms[baseline]), (first, second))
        for (prompt, replicate), pairs in zip(units, compared(study, addition=addition), strict=True)
        for candidate, baseline in pairs
        if (first := texts.get((prompt.key, arms[candidate].key, replicate)))
        and (second := texts.get((prompt.key, arms[baseline].key, replicate)))
    ]


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

    Within a comparison the candidate stands k // 2 times in A and k // 2 times in B; when k is odd
    the remaining row's order alternates from comparison to comparison. The first rows of all
    comparisons are balanced among themselves as well, and so are the second and each further ones:
    they are served in that order, so whoever meets the least filled comparisons meets both orders.
    """
    shown = study.comparisons.filter(identical=False, kind=Kind.REAL).order_by("prompt__position", "id")
    rng = np.random.default_rng([study.seed, 1])
    rows = list(_rows(study, [pk for (pk,) in shown.values_list("id")], rng))
    Assignment.objects.bulk_create(rows, batch_size=_BATCH)
    return len(rows)


def plan_added_slots(study: Study, comparisons: list[Comparison], *, addition: int) -> int:
    """Make the k rows of comparisons that were added, balanced among themselves as the plan's are."""
    shown = [comparison.pk for comparison in comparisons if not comparison.identical]
    # Those of one addition may come in several parts, where completions failed and were retried.
    before = study.comparisons.filter(prompt__addition=addition, kind=Kind.REAL).count()
    rng = np.random.default_rng([study.seed, _ADDED, addition, before])
    rows = list(_rows(study, shown, rng))
    Assignment.objects.bulk_create(rows, batch_size=_BATCH)
    return len(rows)


def add_slots(study: Study, *, known: int) -> int:
    """Make the rows of an extended study that are not there: those after the first ``known`` of each.

    They go on as the plan's own would have: the pairs of rows in opposite orders run through, so the
    orders of each comparison stay balanced whatever k was and is. Drawn anew from the study's seed.
    """
    last = study.assignments.filter(comparison__kind=Kind.REAL, ordinal=known)
    ordered = last.order_by("comparison__prompt__position", "comparison")
    found = list(ordered.values_list("comparison", "candidate_slot"))
    before = np.array([slot == Slot.A for _, slot in found], dtype=bool)
    rng = np.random.default_rng([study.seed, 1, known])
    rows = list(_rows(study, [pk for pk, _ in found], rng, known=known, before=before))
    Assignment.objects.bulk_create(rows, batch_size=_BATCH)
    return len(rows)


def _rows(
    study: Study,
    comparisons: list[int],
    rng: np.random.Generator,
    *,
    known: int = 0,
    before: NDArray[np.bool_] | None = None,
) -> Iterator[Assignment]:
    """Yield the rows from ``known`` on; ``before`` says of the last known row whether it stands in A."""
    number = len(comparisons)
    in_a = np.zeros((study.judgments_each, number), dtype=bool)
    if before is not None:
        in_a[known - 1] = before
    for ordinal in range(known, study.judgments_each):
        # A row and the one before it, two by two, stand in opposite orders.
        in_a[ordinal] = ~in_a[ordinal - 1] if ordinal % 2 else rng.permuted(np.arange(number) % 2 == 0)
    keys = sort_keys(in_a, rng)
    for column, comparison in enumerate(comparisons):
        for ordinal in range(known, study.judgments_each):
            yield Assignment(
                key=uuid.uuid4(),
                study=study,
                comparison_id=comparison,
                ordinal=ordinal + 1,
                candidate_slot=Slot.A if in_a[ordinal, column] else Slot.B,
                sort_key=int(keys[ordinal, column]),
            )


def sort_keys(in_a: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a random order of rows that goes by ordinal first and by the candidate's slot second.

    ``in_a`` says for each ordinal (rows) and comparison (columns) whether the candidate stands in A.
    """
    ordinals = np.arange(1, len(in_a) + 1, dtype=np.int64)[:, None]
    draws = rng.integers(0, 2**SLOT_BITS, size=in_a.shape, dtype=np.int64)
    keys: NDArray[np.int64] = (ordinals << ORDINAL_BITS) + ((~in_a).astype(np.int64) << SLOT_BITS) + draws
    return keys
