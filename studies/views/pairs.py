"""The pairs browser: blinded until the study closes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from generation.spec import Message
from studies import queries
from studies.analysis.text_flags import FLAGS
from studies.domain.access import allowed
from studies.domain.unblinding import Response, responses, unblind
from studies.enums import Ability, Kind, Outcome, Slot, StudyStatus
from studies.models import Assignment, Comparison, Judgment, Study
from studies.views.access import study_view
from studies.views.common import page_of

_PER_PAGE = 10


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


@require_safe
@study_view(Ability.SEE_PAIRS)
def study_pairs(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the pairs, ten a page, searched and filtered."""
    wanted = {name: _words(request, name) for name in ("search", "stratum", "flag")}
    page = page_of(_only(queries.pair_keys(study, **wanted), _words(request, "pair")), request, _PER_PAGE)
    show = unblinded_pairs if study.unblinded else blinded_pairs
    scan = queries.scan(study)
    context = {
        "study": study,
        "tab": "pairs",
        "page": page,
        "pairs": show(study, queries.pairs_of(study, list(page)), first=page.start_index()),
        "wanted": wanted,
        "strata": queries.strata(study),
        "scan": [(name, words, scan.counts[name]) for name, words in FLAGS.items()],
        "flagged": len(scan.pairs),
        "left_out": study.comparisons.filter(kind=Kind.LEFT_OUT).count(),
        "changeable": study.status in (StudyStatus.READY, StudyStatus.GENERATING)
        and allowed(request.user, study, Ability.EDIT),
    }
    return render(request, "dashboard/pairs.html", context)


def _only(keys: list[int], pair: str) -> list[int]:
    """Return the one pair that the address names, if it does."""
    return [key for key in keys if str(key) == pair] if pair else keys


def _words(request: HttpRequest, name: str) -> str:
    """Return a value of the address, without the one character that PostgreSQL cannot hold."""
    return request.GET.get(name, "").replace("\0", "").strip()


def blinded_pairs(_study: Study, comparisons: list[Comparison], *, first: int) -> list[BlindedPair]:
    """Put each pair's texts into slots by a keyed hash: the same at every visit, telling nothing."""
    return [_blinded(comparison, number) for number, comparison in enumerate(comparisons, start=first)]


def _blinded(comparison: Comparison, number: int) -> BlindedPair:
    slot = _slot(comparison)
    candidate, baseline = f"Response {slot}", f"Response {slot.other}"
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
