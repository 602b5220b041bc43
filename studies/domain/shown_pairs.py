"""The pairs of a study as researchers see them: blinded until it closes, then with their arms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from generation.spec import Message
from studies import queries
from studies.analysis.text_flags import FLAGS
from studies.domain.unblinding import Response, responses, unblind
from studies.enums import Outcome, Slot
from studies.models import Assignment, Comparison, Judgment, Study


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as the page words it, and in which response the scan saw what."""

    words: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlindedPair:
    """A pair without a word on who wrote what: all that the page is given before closing."""

    number: int
    name: str
    stratum: str
    turns: tuple[Message, ...]
    responses: tuple[Response, Response]
    flags: list[Flag]
    key: int
    pending: bool = False
    """Whether a response is being written anew."""


@dataclass(frozen=True, slots=True)
class UnblindedPair:
    """A pair with its arms and what annotators made of it."""

    number: int
    comparison: Comparison
    flags: list[Flag]
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def wins(self) -> int:
        """Judgments for the candidate, on the primary criterion."""
        return self.outcomes[Outcome.WIN]

    @property
    def ties(self) -> int:
        """Judgments for neither."""
        return self.outcomes[Outcome.TIE]

    @property
    def losses(self) -> int:
        """Judgments for the baseline."""
        return self.outcomes[Outcome.LOSS]


def blinded_pairs(_study: Study, comparisons: list[Comparison], *, first: int) -> list[BlindedPair]:
    """Put each pair's texts into slots by a keyed hash: the same at every visit, telling nothing."""
    return [_blinded(comparison, number) for number, comparison in enumerate(comparisons, start=first)]


def _blinded(comparison: Comparison, number: int) -> BlindedPair:
    slot = _slot(comparison)
    candidate, baseline = (
        gettext("Response %(slot)s") % {"slot": slot},
        gettext("Response %(other)s") % {"other": slot.other},
    )
    return BlindedPair(
        number=number,
        name=comparison.prompt.name,
        stratum=comparison.prompt.stratum,
        turns=comparison.prompt.turns,
        responses=responses(Assignment(comparison=comparison, candidate_slot=slot)),
        flags=_flags(comparison, names=(candidate, baseline)),
        key=comparison.pk,
        pending=any(one.status != "done" for one in (comparison.candidate, comparison.baseline)),
    )


def _flags(comparison: Comparison, *, names: tuple[str, str]) -> list[Flag]:
    """Return a pair's flags in their order, with reasons that name the responses as the page does."""
    reasons: dict[str, list[str]] = {"identical": []} if comparison.identical else {}
    told = sorted(zip(names, queries.text_findings(comparison), strict=True), key=lambda one: one[0])
    for name, found in told:
        for finding in found:
            reasons.setdefault(finding.flag, []).append(f"{name}: {finding.reason}.")
    return [Flag(words, tuple(reasons[flag])) for flag, words in FLAGS.items() if flag in reasons]


def _slot(comparison: Comparison) -> Slot:
    digest = salted_hmac("studies.views.pairs", str(comparison.pk), algorithm="sha256").digest()
    return Slot.A if digest[0] % 2 else Slot.B


def unblinded_pairs(study: Study, comparisons: list[Comparison], *, first: int) -> list[UnblindedPair]:
    """Return the pairs with their outcomes on the primary criterion."""
    outcomes: dict[int, Counter[Outcome]] = {comparison.pk: Counter() for comparison in comparisons}
    answers = Judgment.objects.filter(
        assignment__comparison__in=list(outcomes), criterion__study=study, criterion__primary=True
    ).values_list("assignment__comparison", "assignment__candidate_slot", "choice")
    for pk, candidate_slot, choice in answers:
        outcomes[pk][unblind(choice, candidate_slot=candidate_slot)] += 1
    return [
        UnblindedPair(
            number,
            comparison,
            _flags(comparison, names=(comparison.candidate_arm.name, comparison.baseline_arm.name)),
            outcomes[comparison.pk],
        )
        for number, comparison in enumerate(comparisons, start=first)
    ]
