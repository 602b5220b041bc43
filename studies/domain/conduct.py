"""How carefully each annotator answered: checks, repeats, times, sameness."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from studies.analysis.quality import CheckRate, check_rate
from studies.domain.unblinding import passed, unblind
from studies.enums import Kind, Outcome, Slot
from studies.models import Annotator, Judgment, Study

_Pair = tuple[int, int]


@dataclass(slots=True)
class Conduct:
    """What tells of an annotator's care, on the primary criterion."""

    answers: Counter[str] = field(default_factory=Counter)
    """Choices in the slot frame, of real comparisons."""
    candidate_in: Counter[str] = field(default_factory=Counter)
    """Slots in which the candidate stood, in real comparisons."""
    times: list[int] = field(default_factory=list)
    """Active milliseconds of real comparisons."""
    checks: int = 0
    passed: int = 0
    """Checks in which the intact response was preferred."""
    first: dict[_Pair, Outcome] = field(default_factory=dict)
    again: dict[_Pair, Outcome] = field(default_factory=dict)

    agreed: list[float] = field(default_factory=list)
    """By comparison that others judged too: the share of them who gave the same answer. See `agree`."""

    @property
    def imbalance(self) -> int:
        """How many more comparisons were met in one order than in the other."""
        return abs(self.candidate_in[Slot.A] - self.candidate_in[Slot.B])

    @property
    def failed(self) -> int:
        """How many attention checks were not passed."""
        return self.checks - self.passed

    @property
    def reliability(self) -> CheckRate:
        """The posterior of passing a check, with its interval."""
        return check_rate(self.passed, self.checks)

    @property
    def self_agreement(self) -> float | None:
        """The share of repeats that came out alike; None without any."""
        return self.alike / self.repeats if self.repeats else None

    @property
    def others_agreement(self) -> float | None:
        """The mean share of the others who gave the same answer; None where nobody else judged."""
        return sum(self.agreed) / len(self.agreed) if self.agreed else None

    @property
    def repeats(self) -> int:
        """How many comparisons were judged again with their sides swapped."""
        return len(self.again)

    @property
    def alike(self) -> int:
        """How many of the repeats came out as the first time."""
        return sum(self.first.get(pair) is outcome for pair, outcome in self.again.items())

    @property
    def median_ms(self) -> float | None:
        """The median active time; None when no browser measured any."""
        return median(self.times) if self.times else None

    @property
    def most_common(self) -> float | None:
        """The share of the most frequent choice among the answers."""
        return max(self.answers.values()) / self.answers.total() if self.answers else None


def conduct(study: Study, *, annotators: Iterable[Annotator] | None = None) -> dict[int, Conduct]:
    """Return how each of ``annotators`` (default: all of the study) answered, in one query or two."""
    judgments = Judgment.objects.filter(assignment__study=study, criterion__primary=True).order_by("pk")
    if annotators is None:
        wanted = list(study.annotators.values_list("pk", flat=True))
    else:
        wanted = [annotator.pk for annotator in annotators]
        judgments = judgments.filter(assignment__annotator__in=wanted)
    found = {pk: Conduct() for pk in wanted}
    pairs: dict[_Pair, _Pair] = {}
    for annotator, kind, candidate, baseline, replaced, slot, choice, active_ms in judgments.values_list(
        "assignment__annotator",
        "assignment__comparison__kind",
        "assignment__comparison__candidate",
        "assignment__comparison__baseline",
        "assignment__comparison__replaced",
        "assignment__candidate_slot",
        "choice",
        "active_ms",
    ).iterator():
        # One object for each pair, not for each answer: a study may have a million.
        each, pair = found[annotator], pairs.setdefault((candidate, baseline), (candidate, baseline))
        outcome = unblind(choice, candidate_slot=slot)
        if kind == Kind.CHECK:
            each.checks += 1
            each.passed += passed(choice, candidate_slot=slot, replaced=replaced)
        elif kind == Kind.REPEAT:
            each.again[pair] = outcome
        else:
            each.answers[choice] += 1
            each.candidate_in[slot] += 1
            each.times += [active_ms] if active_ms is not None else []
            each.first[pair] = outcome
    return found


def agree(found: Mapping[int, Conduct]) -> None:
    """Note for everybody of ``found``, who have to be all of a study, how far the others agreed with them."""
    answers: dict[_Pair, Counter[Outcome]] = defaultdict(Counter)
    for each in found.values():
        for pair, outcome in each.first.items():
            answers[pair][outcome] += 1
    for each in found.values():
        each.agreed = [
            (answers[pair][outcome] - 1) / (answers[pair].total() - 1)
            for pair, outcome in each.first.items()
            if answers[pair].total() > 1
        ]
