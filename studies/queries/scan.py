"""The quality scan of a study's completions, computed when it is read (docs/decisions/0010).

A flag belongs to a pair as far as pages show it before the study closes; which arm it came from is kept
here for the summaries that say so openly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from django.db.models import Count, Max, Q

from generation.models import Completion
from generation.spec import FinishReason
from studies.analysis.text_flags import FLAGS, Finding, expected_language, findings
from studies.enums import Kind
from studies.models import Comparison, Prompt, Study

_KEPT = 16


@dataclass(frozen=True, slots=True)
class PairFlags:
    """The flags of one pair: of each of its texts, and whether these are the same."""

    candidate: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    identical: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of its flags, each once."""
        own = {*self.candidate, *self.baseline} | ({"identical"} if self.identical else set())
        return tuple(flag for flag in FLAGS if flag in own)


@dataclass(frozen=True, slots=True)
class ArmFlags:
    """What the scan found in the completions of one arm."""

    arm: str
    completions: int = 0
    flagged: int = 0
    """Completions with one flag or more."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many have each flag, by its name."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scan of a study found."""

    pairs: Mapping[int, PairFlags]
    """The flagged pairs only, by the comparison's primary key."""
    by_arm: Mapping[UUID, ArmFlags]
    """By the arm's key."""

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs have each flag."""
        found = Counter(flag for pair in self.pairs.values() for flag in pair.flags)
        return {name: found[name] for name in FLAGS}

    def flagged(self, flag: str) -> set[int]:
        """Return the pairs with a flag; ``any`` for those with one of them or more."""
        return {pk for pk, pair in self.pairs.items() if flag == "any" or flag in pair.flags}


def scan(study: Study) -> Scan:
    """Scan a study's completions; a scan of the same texts is kept in memory and given again."""
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    texts = done.aggregate(number=Count("pk"), last=Max("finished_at"))
    real = Comparison.objects.filter(study=study, kind=Kind.REAL).aggregate(
        number=Count("pk"), last=Max("pk"), same=Count("pk", filter=Q(identical=True))
    )
    return _scan(study.pk, study.key, *texts.values(), *real.values())


@lru_cache(maxsize=_KEPT)
def _scan(study: int, batch_key: UUID, *_fingerprint: object) -> Scan:
    """Read every text once. The fingerprint changes when a text is written or a pair leaves the plan."""
    arms: dict[UUID, Counter[str]] = {}
    found: dict[int, tuple[str, ...]] = {}
    for pk, arm, flags in _texts(study, batch_key):
        counts = arms.setdefault(arm, Counter())
        counts.update(("completions", *(["flagged"] if flags else []), *flags))
        if flags:
            found[pk] = flags
    names = dict(Study.objects.get(pk=study).arms.values_list("key", "name"))
    return Scan(
        MappingProxyType(dict(_pairs(study, found))),
        MappingProxyType({key: _arm(name, arms.get(key, Counter())) for key, name in names.items()}),
    )


def _texts(study: int, batch_key: UUID) -> Iterator[tuple[int, UUID, tuple[str, ...]]]:
    languages = {
        prompt.key: expected_language([turn.content for turn in prompt.turns])
        for prompt in Prompt.objects.filter(study=study)
    }
    done = Completion.objects.filter(batch_key=batch_key, status=Completion.Status.DONE)
    rows = done.values_list("pk", "arm_key", "prompt_key", "text", "finish_reason").order_by()
    for pk, arm, prompt, text, finish in rows.iterator():
        cut_off = finish == FinishReason.LENGTH
        found = findings(text, cut_off=cut_off, prompt_language=languages.get(prompt))
        yield pk, arm, tuple(one.flag for one in found)


def _pairs(study: int, found: Mapping[int, tuple[str, ...]]) -> Iterator[tuple[int, PairFlags]]:
    real = Comparison.objects.filter(study=study, kind=Kind.REAL).order_by()
    for pk, candidate, baseline, identical in real.values_list("pk", "candidate", "baseline", "identical"):
        flags = PairFlags(found.get(candidate, ()), found.get(baseline, ()), identical)
        if flags.flags:
            yield pk, flags


def _arm(name: str, counts: Counter[str]) -> ArmFlags:
    return ArmFlags(
        name, counts["completions"], counts["flagged"], {flag: counts[flag] for flag in FLAGS if counts[flag]}
    )


def text_findings(comparison: Comparison) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings of a pair's candidate and baseline with their reasons; none while being written."""
    language = expected_language([turn.content for turn in comparison.prompt.turns])
    candidate, baseline = (
        findings(one.text, cut_off=one.finish_reason == FinishReason.LENGTH, prompt_language=language)
        if one.status == Completion.Status.DONE
        else ()
        for one in (comparison.candidate, comparison.baseline)
    )
    return candidate, baseline
