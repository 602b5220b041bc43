"""Before a study opens: leave comparisons out of its plan, or have their completions drawn anew. Logged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from generation import requests
from generation.models import Completion
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import refuse_frozen
from studies.enums import Draws, Kind, StudyStatus, in_sentence
from studies.models import Comparison, Study
from studies.queries.scan import scan

_TAKEN = 500
"""Keys per question to the database."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What came of drawing completions anew."""

    drawn: int
    kept: tuple[str, ...] = ()
    """Why some stay as they are, a sentence each."""


def leave_out(*, study: Study, comparisons: Collection[int], reason: str, actor: str) -> int:
    """Take comparisons out of the plan: no annotator meets them. Their texts stay, and who did it and why."""
    if not reason.strip():
        message = gettext("Leaving a comparison out needs a reason: the log and the frozen plan keep it.")
        raise StudyError(message)
    refuse_frozen(study=study, actor=actor, wanted=f"leaving out {len(comparisons)} comparisons")
    with transaction.atomic():
        return _turn(study, comparisons, (Kind.REAL, Kind.LEFT_OUT), reason=reason.strip(), actor=actor)


def put_back(*, study: Study, comparisons: Collection[int], actor: str) -> int:
    """Put comparisons that were left out back into the plan."""
    refuse_frozen(study=study, actor=actor, wanted=f"putting back {len(comparisons)} comparisons")
    with transaction.atomic():
        return _turn(study, comparisons, (Kind.LEFT_OUT, Kind.REAL), reason="", actor=actor)


def redraw(*, study: Study, comparisons: Collection[int], reason: str, actor: str) -> Redrawn:
    """Have completions of these comparisons written anew with other noise; the log keeps the old texts.

    Of a pair with flags, the flagged responses are drawn anew; of one without, or with the same text twice,
    both. Where arms share their noise, all completions of the prompt are, so that they go on sharing it.
    """
    if not reason.strip():
        message = gettext("Drawing a completion anew needs a reason: the log keeps it.")
        raise StudyError(message)
    refuse_frozen(study=study, actor=actor, wanted=f"drawing {len(comparisons)} comparisons anew")
    with transaction.atomic():
        study = _changeable(study)
        chosen = _completions(study, _found(study, comparisons, Kind.REAL))
        fit = [completion for completion in chosen if not _obstacle(completion)]
        if fit:
            before = [_account(completion) for completion in fit]
            requests.redraw(fit)
            _log_redraw(study, before, fit, reason=reason.strip(), actor=actor)
            if study.status == StudyStatus.READY:
                study.status = StudyStatus.GENERATING
                study.save(update_fields=["status"])
    drawn = {completion.pk for completion in fit}
    obstacles = sorted({_obstacle(completion) for completion in chosen if completion.pk not in drawn})
    return Redrawn(len(fit), tuple(obstacles))


def _turn(
    study: Study, comparisons: Collection[int], kinds: tuple[Kind, Kind], *, reason: str, actor: str
) -> int:
    study = _changeable(study)
    before, after = kinds
    found = _found(study, comparisons, before)
    for pair in found:
        pair.kind = after
    Comparison.objects.bulk_update(found, ["kind"], batch_size=_TAKEN)
    if found:
        record_event(
            actor=actor,
            action="comparison.left_out" if after is Kind.LEFT_OUT else "comparison.included",
            study=study,
            after={
                "comparisons": [{"comparison": pair.pk, "prompt": pair.prompt.name} for pair in found],
                "reason": reason,
            },
        )
    return len(found)


def _changeable(study: Study) -> Study:
    study = Study.objects.select_for_update().get(pk=study.pk)
    if study.status not in (StudyStatus.READY, StudyStatus.GENERATING):
        message = gettext(
            "“%(study)s” is %(status)s: comparisons can be left out or drawn anew once its "
            "completions are there, until it opens."
        ) % {"study": study.slug, "status": in_sentence(study.get_status_display())}
        raise StudyError(message)
    return study


def _found(study: Study, comparisons: Collection[int], kind: Kind) -> list[Comparison]:
    wanted = sorted(set(comparisons))
    pairs: list[Comparison] = []
    for first in range(0, len(wanted), _TAKEN):
        some = study.comparisons.filter(pk__in=wanted[first : first + _TAKEN], kind=kind)
        pairs += some.select_related("prompt").order_by("pk")
    if not pairs:
        where = gettext("left out of it") if kind is Kind.LEFT_OUT else gettext("in its plan")
        message = gettext(
            "“%(study)s” has none of these comparisons %(where)s; `study scan` lists those that are."
        ) % {"study": study.slug, "where": where}
        raise StudyError(message)
    return pairs


def _completions(study: Study, pairs: Iterable[Comparison]) -> list[Completion]:
    """Return the finished completions that a redraw of these pairs is about."""
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    if study.draws == Draws.COUPLED:
        units = {(pair.prompt.key, replicate) for pair, replicate in _replicates(pairs)}
        prompts = {prompt for prompt, _ in units}
        all_arms = done.filter(prompt_key__in=prompts).select_related("checkpoint").order_by("pk")
        return [one for one in all_arms if (one.prompt_key, one.replicate) in units]
    flags = scan(study).pairs
    keys: set[int] = set()
    for pair in pairs:
        found = flags.get(pair.pk)
        sides = ((pair.candidate_id, found.candidate), (pair.baseline_id, found.baseline)) if found else ()
        own = {key for key, flagged in sides if flagged}
        keys |= own or {pair.candidate_id, pair.baseline_id}
    return list(done.filter(pk__in=keys).select_related("checkpoint").order_by("pk"))


def _replicates(pairs: Iterable[Comparison]) -> list[tuple[Comparison, int]]:
    listed = list(pairs)
    numbers = dict(
        Completion.objects.filter(pk__in=[pair.candidate_id for pair in listed]).values_list(
            "pk", "replicate"
        )
    )
    return [(pair, numbers[pair.candidate_id]) for pair in listed]


def _obstacle(completion: Completion) -> str:
    """Return why a completion cannot be drawn anew, or nothing."""
    if completion.checkpoint.given or (completion.status == "done" and completion.claimed_at is None):
        return gettext("Imported completions cannot be drawn anew: no worker of this site wrote them.")
    if completion.as_request().spec.temperature == 0:
        return gettext(
            "Greedy decoding (temperature 0) draws nothing, so a new draw would write the same text."
        )
    return ""


def _account(completion: Completion) -> dict[str, Any]:
    return {
        "completion": completion.pk,
        "text": completion.text,
        "token_ids": completion.token_ids,
        "finish_reason": completion.finish_reason,
        "noise": completion.request["noise"],
        "provenance": completion.provenance,
        "forward_flops": completion.forward_flops,
    }


def _log_redraw(
    study: Study, before: list[dict[str, Any]], drawn: list[Completion], *, reason: str, actor: str
) -> None:
    record_event(
        actor=actor,
        action="completion.redrawn",
        study=study,
        before={"status": str(study.status), "completions": before},
        after={
            "status": str(StudyStatus.GENERATING),
            "reason": reason,
            "completions": [{"completion": one.pk, "noise": one.request["noise"]} for one in drawn],
        },
    )
