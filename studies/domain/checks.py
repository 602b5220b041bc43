"""Attention checks and swapped repeats as comparisons: made from the study's own completions at opening."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.utils.translation import gettext

from studies.domain.errors import StudyError
from studies.enums import Decoy, Frame, Kind
from studies.models import Comparison, Study

_STREAM = 2
"""Of the study's seed; the slot plan draws from 1."""
_BATCH = 2_000
_FEWEST_WORDS = 3
"""Words of an intact response: with fewer nobody could tell which response is the better one."""
_TRIES = 20


def plan_checks(study: Study) -> None:
    """Make the comparisons of the study's attention checks and repeats, from its seed.

    A check is a pair of completions in which a decoy stands for one of them. Pairs of identical
    completions come first, because their prompts are never shown otherwise; then the others, each
    prompt once before any comes again.
    """
    real = study.comparisons.filter(kind=Kind.REAL).order_by("prompt__position", "id")
    pairs = list(real.select_related("candidate", "baseline"))
    rng = np.random.default_rng([study.seed, _STREAM])
    by_program: list[Decoy] = [made for made in Decoy if made is not Decoy.WRITTEN]
    wanted = [made for made in by_program for _ in range(study.checks.get(made.value, 0))]
    made = _checks(pairs, wanted, rng) if wanted else []
    _save([*made, *_written(study, pairs, made, rng)])
    if study.repeats:
        plan_repeats(pairs)


def plan_repeats(pairs: list[Comparison]) -> None:
    """Let pairs that were added to an open study be met again with their sides swapped, as the plan's are."""
    _save([_of(pair, kind=Kind.REPEAT) for pair in pairs if not pair.identical])


def _save(comparisons: list[Comparison]) -> None:
    Comparison.objects.bulk_create(comparisons, batch_size=_BATCH)


def _checks(pairs: list[Comparison], wanted: list[Decoy], rng: np.random.Generator) -> list[Comparison]:
    left = iter(_in_turn(pairs, rng))
    made: list[Comparison] = []
    for decoy in wanted:
        check = next(filter(None, (_check(pair, pairs, decoy, rng) for pair in left)), None)
        if check is None:
            message = gettext(
                "Only %(made)s of the %(wanted)s attention checks can be made from these "
                "completions: too many are too short, or alike. Ask for fewer under “checks”."
            ) % {"made": len(made), "wanted": len(wanted)}
            raise StudyError(message)
        made.append(check)
    return made


def _in_turn(pairs: list[Comparison], rng: np.random.Generator) -> list[Comparison]:
    """Return the pairs at random: identical ones first, then by how often their prompt has come."""
    drawn = [pairs[number] for number in rng.permutation(len(pairs))]
    seen: dict[int, int] = {}
    turns = {}
    for pair in drawn:
        turns[pair.pk] = seen.get(pair.prompt_id, 0)
        seen[pair.prompt_id] = turns[pair.pk] + 1
    return sorted(drawn, key=lambda pair: (turns[pair.pk], not pair.identical))


def _check(
    pair: Comparison, pairs: list[Comparison], decoy: Decoy, rng: np.random.Generator
) -> Comparison | None:
    replaced = Frame.CANDIDATE if rng.random() < 1 / 2 else Frame.BASELINE
    intact = pair.baseline.text if replaced is Frame.CANDIDATE else pair.candidate.text
    own = pair.candidate.text if replaced is Frame.CANDIDATE else pair.baseline.text
    if len(intact.split()) < _FEWEST_WORDS:
        return None
    tries = _shuffled(own, rng) if decoy is Decoy.SHUFFLED else _foreign(pair, pairs, replaced, rng)
    text = next((text for text in tries if text.split() not in ([], own.split(), intact.split())), None)
    if text is None:
        return None
    check = _of(pair, kind=Kind.CHECK)
    check.decoy, check.decoy_made, check.replaced = text, decoy, replaced
    return check


def _written(
    study: Study, pairs: list[Comparison], made: list[Comparison], rng: np.random.Generator
) -> list[Comparison]:
    """Return the checks that the researcher wrote. Each borrows the two sides of a pair, and no text."""
    taken = {check.candidate_id for check in made}
    hosts = [pair for pair in pairs if pair.candidate_id not in taken]
    if len(hosts) < len(study.written_checks):
        message = gettext("There are fewer pairs than attention checks. Ask for fewer under “checks”.")
        raise StudyError(message)
    checks = []
    for host, texts in zip(hosts, study.written_checks, strict=False):
        check = _of(host, kind=Kind.CHECK)
        check.decoy_made, check.replaced = Decoy.WRITTEN, Frame.CANDIDATE
        if rng.random() < 1 / 2:
            check.replaced = Frame.BASELINE
        check.asked, check.intact, check.decoy = texts["prompt"], texts["better"], texts["worse"]
        checks.append(check)
    return checks


def _shuffled(text: str, rng: np.random.Generator) -> Iterator[str]:
    for _ in range(_TRIES):
        yield " ".join(map(str, rng.permutation(text.split())))


def _foreign(
    pair: Comparison, pairs: list[Comparison], replaced: Frame, rng: np.random.Generator
) -> Iterator[str]:
    """Yield what the replaced arm, or any like it, wrote for other prompts."""
    for number in rng.permutation(len(pairs)):
        other = pairs[number]
        if other.prompt_id != pair.prompt_id:
            yield other.candidate.text if replaced is Frame.CANDIDATE else other.baseline.text


def _of(pair: Comparison, *, kind: Kind) -> Comparison:
    return Comparison(
        study_id=pair.study_id,
        prompt_id=pair.prompt_id,
        candidate_arm_id=pair.candidate_arm_id,
        baseline_arm_id=pair.baseline_arm_id,
        candidate_id=pair.candidate_id,
        baseline_id=pair.baseline_id,
        kind=kind,
    )
