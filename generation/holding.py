"""Pausing, resuming and cancelling a batch, and trying single completions anew.

Each takes effect in the database at once; workers notice at their next sign of life, a few seconds on.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet

from generation import requests, runs
from generation.models import GIVEN, Completion, Hold

Status = Completion.Status


@transaction.atomic
def pause(batch_key: uuid.UUID) -> int:
    """Let nobody write completions of a batch, and give back those in flight; return how many."""
    Hold.objects.get_or_create(batch_key=batch_key)
    return runs.give_back(_batch(batch_key))


@transaction.atomic
def resume(batch_key: uuid.UUID) -> None:
    """Let a batch be written again. Harmless when it is not held."""
    let_go(batch_key)
    requests.call_workers(batch_key)


def let_go(batch_key: uuid.UUID) -> None:
    """Hold a batch no longer, without calling anybody."""
    Hold.objects.filter(batch_key=batch_key).delete()


def forget(batch_key: uuid.UUID) -> None:
    """Delete every completion of a batch: whatever they were written for is no more."""
    let_go(batch_key)
    _batch(batch_key).delete()


@transaction.atomic
def cancel(batch_key: uuid.UUID, *, keep_finished: bool) -> int:
    """Take back the request for a batch; return how many finished completions remain.

    What was imported stays in either case, since no worker could write it again.
    """
    let_go(batch_key)
    batch = _batch(batch_key)
    batch.exclude(status=Status.DONE).delete()
    if not keep_finished:
        batch.exclude(checkpoint__source__startswith=GIVEN).delete()
    return batch.count()


@transaction.atomic
def retry(completion: Completion) -> bool:
    """Let one failed completion be tried anew; return whether it was still failed."""
    retried = requests.try_anew(Completion.objects.filter(pk=completion.pk))
    requests.call_workers(completion.batch_key)
    return retried == 1


def held() -> set[uuid.UUID]:
    """Return the keys of all batches that are paused."""
    return set(Hold.objects.values_list("batch_key", flat=True))


def is_held(batch_key: uuid.UUID) -> bool:
    """Whether a batch is paused."""
    return Hold.objects.filter(batch_key=batch_key).exists()


def failures(batch_key: uuid.UUID) -> QuerySet[Completion]:
    """Return the failed completions of a batch, the earliest first."""
    failed = _batch(batch_key).filter(status=Status.FAILED)
    return failed.order_by("id").only("prompt_key", "arm_key", "replicate", "error", "attempts")


def _batch(batch_key: uuid.UUID) -> QuerySet[Completion]:
    return Completion.objects.filter(batch_key=batch_key)
