"""Preference pairs for training: prompt, chosen, rejected, as TRL and Hugging Face's datasets expect them.

A conversation's prompt is its list of messages, and either response a list of one message by the
assistant; a plain prompt and its responses are strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

import pyarrow as pa
from django.db.models import Count, F, Q

from studies.domain.errors import StudyError
from studies.enums import Choice, Kind
from studies.exports.columns import dumped
from studies.exports.formats import arrow_bytes
from studies.models import Comparison, Criterion, Exclusion, Judgment, Study
from studies.reports.export import named

_CHUNK = 500
_GROUP = 1_000


class Ties(StrEnum):
    """What a tie says of a pair."""

    AGAINST = "against"
    """It is a judgment that prefers neither: it makes every share smaller."""
    LEAVE_OUT = "leave-out"
    """Nothing: shares are of the decided judgments."""


class Form(StrEnum):
    """What the prompts are."""

    CONVERSATION = "conversation"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which pairs are wanted."""

    criterion: str = ""
    """Its name; the primary one when empty."""
    share: float = 0.5
    """The chosen response has this share of the judgments or more; always more than the rejected one."""
    least: int = 1
    """A pair has so many judgments or more, as ties count."""
    ties: Ties = Ties.AGAINST
    excluded: bool = False
    """Whether judgments that are left out of the results count here."""
    form: Form | None = None
    """Of a study that has both conversations and plain prompts, which of them."""


@dataclass(frozen=True, slots=True)
class _Tally:
    """How often each side of a comparison was preferred."""

    comparison: int
    wins: int
    losses: int
    ties: int

    def share(self, wish: Wish) -> float | None:
        """Return the share of the side that is preferred; None where the wish leaves the pair out."""
        total, most = self.total(wish), max(self.wins, self.losses)
        wanted = self.wins != self.losses and total >= wish.least and most / total >= wish.share
        return most / total if wanted else None

    def total(self, wish: Wish) -> int:
        """Return how many judgments count."""
        return self.wins + self.losses + (self.ties if wish.ties is Ties.AGAINST else 0)


def pairs(study: Study, wish: Wish) -> Iterator[dict[str, Any]]:
    """Yield the pairs in the order of the study's comparisons, a few hundred held at a time."""
    form, criterion = chosen_form(study, wish), _criterion(study, wish)
    same = {"study": named(study), "criterion": criterion.name}
    tallies = _tallies(study, wish, criterion, form)
    while chunk := list(islice(tallies, _CHUNK)):
        wanted = [(tally, share) for tally in chunk if (share := tally.share(wish)) is not None]
        found = study.comparisons.select_related("prompt", "candidate_arm", "baseline_arm").select_related(
            "candidate", "baseline"
        )
        texts = found.in_bulk([tally.comparison for tally, _ in wanted])
        for tally, share in wanted:
            pair = _pair(texts[tally.comparison], form, candidate_chosen=tally.wins > tally.losses)
            yield pair | same | {"share": share, "judgments": tally.total(wish)}


def check_wish(study: Study, wish: Wish) -> None:
    """Raise a `StudyError` that says why there can be no such file, before one is begun."""
    _criterion(study, wish)
    chosen_form(study, wish)


def chosen_form(study: Study, wish: Wish) -> Form:
    """Return what the prompts of the pairs are; one file has one kind, as its columns have one type."""
    plain, all_of_them = study.prompts.exclude(text="").count(), study.prompts.count()
    if wish.form is None and 0 < plain < all_of_them:
        message = (
            f"“{study.slug}” has {plain} plain prompts and {all_of_them - plain} conversations, which do not "
            "go into one file. Say which you want: conversation or plain."
        )
        raise StudyError(message)
    return wish.form or (Form.PLAIN if plain else Form.CONVERSATION)


def _criterion(study: Study, wish: Wish) -> Criterion:
    if not study.unblinded:
        message = f"“{study.slug}” has to be closed: preference pairs say which arm wrote what."
        raise StudyError(message)
    wanted = Q(name=wish.criterion) if wish.criterion else Q(primary=True)
    found = study.criteria.filter(wanted).first()
    if found is None:
        known = ", ".join(study.criteria.values_list("name", flat=True))
        message = f"“{study.slug}” has no criterion “{wish.criterion}”. It has: {known}."
        raise StudyError(message)
    return found


def _tallies(study: Study, wish: Wish, criterion: Criterion, form: Form) -> Iterator[_Tally]:
    """Yield each comparison with its wins, losses and ties, counted by the database."""
    found = Judgment.objects.filter(criterion=criterion, assignment__comparison__kind=Kind.REAL)
    if not wish.excluded:
        active = Exclusion.objects.filter(study=study, revoked_at=None)
        found = found.exclude(assignment__annotator__in=active.exclude(annotator=None).values("annotator"))
        found = found.exclude(pk__in=active.exclude(judgment=None).values("judgment"))
    conversation = Q(assignment__comparison__prompt__text="")
    tie, win = Q(choice__in=(Choice.TIE, Choice.BOTH_BAD)), Q(choice=F("assignment__candidate_slot"))
    counted = (
        found.filter(conversation if form is Form.CONVERSATION else ~conversation)
        .values("assignment__comparison_id")
        .annotate(
            wins=Count("pk", filter=win), losses=Count("pk", filter=~tie & ~win), ties=Count("pk", filter=tie)
        )
        .order_by("assignment__comparison_id")
    )
    for row in counted.values_list("assignment__comparison_id", "wins", "losses", "ties").iterator():
        yield _Tally(*row)


def _pair(comparison: Comparison, form: Form, *, candidate_chosen: bool) -> dict[str, Any]:
    sides = [
        (comparison.candidate.text, comparison.candidate_arm.name),
        (comparison.baseline.text, comparison.baseline_arm.name),
    ]
    (chosen, chosen_arm), (rejected, rejected_arm) = sides if candidate_chosen else reversed(sides)
    prompt = comparison.prompt
    if form is Form.CONVERSATION:
        told: dict[str, Any] = {
            "prompt": _messages(prompt.messages),
            "chosen": _messages([{"role": "assistant", "content": chosen}]),
            "rejected": _messages([{"role": "assistant", "content": rejected}]),
        }
    else:
        told = {"prompt": prompt.text, "chosen": chosen, "rejected": rejected}
    return told | {"prompt_id": prompt.name, "chosen_arm": chosen_arm, "rejected_arm": rejected_arm}


def _messages(given: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return messages with nothing but what trainers read."""
    return [{"role": message["role"], "content": message["content"]} for message in given]


def jsonl_bytes(study: Study, wish: Wish) -> Iterator[bytes]:
    """Yield the pairs as JSON Lines."""
    for pair in pairs(study, wish):
        yield (dumped(pair) + "\n").encode()


def parquet_bytes(study: Study, wish: Wish) -> Iterator[bytes]:
    """Yield the pairs as Parquet."""
    said: Any = pa.string()
    if chosen_form(study, wish) is Form.CONVERSATION:
        said = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    schema = pa.schema(
        [
            *((name, said) for name in ("prompt", "chosen", "rejected")),
            *(
                (name, pa.string())
                for name in ("prompt_id", "chosen_arm", "rejected_arm", "study", "criterion")
            ),
            ("share", pa.float64()),
            ("judgments", pa.int64()),
        ]
    )
    rows = pairs(study, wish)
    groups = iter(lambda: list(islice(rows, _GROUP)), [])
    yield from arrow_bytes(schema, (pa.Table.from_pylist(group, schema=schema) for group in groups))


WRITERS: dict[str, Callable[[Study, Wish], Iterator[bytes]]] = {
    "jsonl": jsonl_bytes,
    "parquet": parquet_bytes,
}
"""By the ending of the file's name."""
