"""Prompts that were added to an open study: served once every arm has answered them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Q

from generation.models import Completion
from studies.domain.audit import record_event
from studies.domain.checks import plan_repeats
from studies.domain.notices import announce
from studies.domain.pairing import pair_addition, plan_added_slots
from studies.enums import NoticeEvent, StudyStatus
from studies.models import Study

_COLLECTS = (StudyStatus.OPEN, StudyStatus.PAUSED)
_Status = Completion.Status


def collecting_more() -> list[Study]:
    """Return the studies that prompts were added to and that still collect."""
    return list(Study.objects.filter(additions__gt=0, status__in=_COLLECTS))


def waiting_additions(study: Study) -> list[int]:
    """Return the additions with prompts that have no comparison yet."""
    if not study.additions:
        return []
    waiting = study.prompts.filter(addition__gt=0, comparisons=None)
    return sorted(set(waiting.order_by().values_list("addition", flat=True)))


def addition_progress(study: Study) -> dict[str, int] | None:
    """Return how far the completions of added prompts are that wait; None when none do."""
    if not waiting_additions(study):
        return None
    keys = study.prompts.filter(addition__gt=0, comparisons=None).values("key")
    return Completion.objects.filter(batch_key=study.key, prompt_key__in=keys).aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(status=_Status.DONE)),
        failed=Count("pk", filter=Q(status=_Status.FAILED)),
    )


def settle_additions(study: Study) -> None:
    """Let added prompts be judged whose completions are all there. Idempotent; called by whoever looks.

    An addition is served when nothing of it is being written any more. What failed is left out and comes
    in once somebody has retried it.
    """
    for addition in waiting_additions(study):
        if _written(study, addition):
            with transaction.atomic():
                study = Study.objects.select_for_update().get(pk=study.pk)
                if study.status in _COLLECTS:
                    _serve(study, addition)


def _written(study: Study, addition: int) -> bool:
    """Whether nothing of an addition is being written, and something waits to be served."""
    keys = study.prompts.filter(addition=addition, comparisons=None).values("key")
    batch = Completion.objects.filter(batch_key=study.key, prompt_key__in=keys)
    return (
        not batch.filter(status__in=(_Status.PENDING, _Status.CLAIMED)).exists()
        and batch.filter(status=_Status.DONE).exists()
    )


def _serve(study: Study, addition: int) -> None:
    made = pair_addition(study, addition)
    if not made:
        return
    rows = plan_added_slots(study, made, addition=addition)
    if study.repeats:
        plan_repeats(made)
    event = record_event(
        actor="evenhand",
        action="study.prompts_served",
        study=study,
        after={"addition": addition, "comparisons": len(made), "rows": rows},
    )
    done = NoticeEvent.GENERATION_DONE
    announce(study=study, event=done, occasion=f"done:{event.pk}", comparisons=len(made))


def drop_unserved(study: Study) -> None:
    """Have nothing written any more for prompts that were added too late to be judged."""
    keys = list(study.prompts.filter(addition__gt=0, comparisons=None).values_list("key", flat=True))
    Completion.objects.filter(batch_key=study.key, prompt_key__in=keys).delete()
