"""Make a checkpoint ready for this process: prepared once, told in its row, loaded and kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generation import runs
from generation.models import Checkpoint
from generation.owners import new_owner, owner_is_gone
from generation.patience import AWAY, forgivingly

if TYPE_CHECKING:
    from generation.engine import Engine, Prepared

Status = Checkpoint.Status
_log = logging.getLogger(__name__)
_loaded: dict[str, Engine] = {}
"""The one engine that this process keeps, under its weights' hash."""


class NotReadyError(Exception):
    """The checkpoint cannot be used now; the message says why."""


def ready_engine(checkpoint: Checkpoint, *, say: Callable[[str], None] = _log.info) -> Engine:
    """Return an engine with ``checkpoint`` loaded, preparing it first if need be.

    Parameters
    ----------
    checkpoint
        Its row is told what happens, so that a researcher sees it.
    say
        Told the same.

    Raises
    ------
    NotReadyError
        When it cannot be prepared, or another worker is at it.
    """
    from generation.engine import prepare  # noqa: PLC0415 - the engine loads torch

    owner = new_owner()
    told = _claim(checkpoint.pk, owner)

    def report(stage: str) -> None:
        say(f"{checkpoint.name}: {stage}")
        if told:
            _hold(checkpoint.pk, owner, stage)

    try:
        prepared = prepare(
            checkpoint.source,
            revision=checkpoint.revision,
            root=settings.DATA_DIR / "checkpoints",
            report=report,
            device=settings.GENERATION_DEVICE,
        )
        engine = _engine(checkpoint, prepared, report)
    except (runs.Stopped, *AWAY):
        # A database that was away says nothing about the checkpoint.
        forgivingly(lambda: _leave(checkpoint.pk, Status.NEW))
        raise
    except Exception as error:
        reason = _reason(error)
        _leave(checkpoint.pk, Status.FAILED, error=reason)
        raise NotReadyError(reason) from error
    except BaseException:
        _leave(checkpoint.pk, Status.NEW)
        raise
    if told:
        _record(checkpoint.pk, prepared)
    else:
        _refresh(checkpoint.pk, prepared)
    return engine


def device_name(engine: Engine) -> str:
    """Return what a researcher knows the engine's device by."""
    import torch

    device = engine.loaded.device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device).upper()


def keep_hold(checkpoint: Checkpoint) -> None:
    """Say that preparing still goes on, though its present stage takes long."""
    row = Checkpoint.objects.filter(pk=checkpoint.pk, status=Status.PREPARING).first()
    if row is not None:
        _hold(row.pk, row.facts.get("owner", ""), row.stage)


def _engine(checkpoint: Checkpoint, prepared: Prepared, report: Callable[[str], None]) -> Engine:
    """Return the kept engine if it is this checkpoint's; else load it, letting the other go first."""
    from generation.engine import Engine, load  # noqa: PLC0415 - the engine loads torch

    expected = Checkpoint.objects.values_list("weight_hash", flat=True).get(pk=checkpoint.pk)
    if expected and expected != prepared.weight_hash:
        message = (
            f"{checkpoint.name}: the weights here are not those that it was prepared with "
            f"({prepared.weight_hash[:12]}, not {expected[:12]}). Use another name for other weights."
        )
        raise NotReadyError(message)
    if prepared.weight_hash not in _loaded:
        _loaded.clear()
        report("Loading the weights")
        _use_threads()
        loaded = load(checkpoint.name, prepared, device=settings.GENERATION_DEVICE)
        _loaded[prepared.weight_hash] = Engine(loaded, rows=settings.GENERATION_ROWS)
    return _loaded[prepared.weight_hash]


def _reason(error: Exception) -> str:
    """Return what a researcher reads; errors that were not foreseen say their kind."""
    from generation.engine import CheckpointError  # noqa: PLC0415 - the engine loads torch

    foreseen = isinstance(error, (CheckpointError, NotReadyError))
    return str(error) if foreseen else f"{type(error).__name__}: {error}"


def _use_threads() -> None:
    """Two threads on busy cores can be far slower than one, so their number is a setting."""
    import torch

    torch.set_num_threads(settings.GENERATION_THREADS)


def _claim(pk: int, owner: str) -> bool:
    """Take the checkpoint's preparing; return False when it is prepared already.

    On another machine it may be prepared and here not yet: then its row stays as it is.
    """
    with transaction.atomic():
        row = Checkpoint.objects.select_for_update().get(pk=pk)
        if row.status == Status.READY:
            return False
        if row.status == Status.PREPARING and not _abandoned(row.facts, owner):
            message = f"{row.name} is being prepared by another worker ({row.stage})."
            raise NotReadyError(message)
        _hold(pk, owner, "Preparing")
    return True


def _abandoned(facts: dict[str, str], owner: str) -> bool:
    """Whether whoever prepares is gone or silent, or is ``owner`` itself, who was interrupted."""
    if facts["owner"] == owner:
        return True
    seen = datetime.fromisoformat(facts["seen"])
    silent = seen < timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    return silent or owner_is_gone(facts["owner"])


def _hold(pk: int, owner: str, stage: str) -> None:
    facts = {"owner": owner, "seen": timezone.now().isoformat()}
    Checkpoint.objects.filter(pk=pk).exclude(status=Status.READY).update(
        status=Status.PREPARING, stage=stage, error="", facts=facts
    )


def _leave(pk: int, status: Checkpoint.Status, *, error: str = "") -> None:
    """End preparing without success. What is ready elsewhere stays so, and says what is wrong here."""
    if error:
        Checkpoint.objects.filter(pk=pk, status=Status.READY).update(error=error)
    Checkpoint.objects.filter(pk=pk, status=Status.PREPARING).update(
        status=status, stage="", error=error, facts={}
    )


def _refresh(pk: int, prepared: Prepared) -> None:
    """Take back what was wrong on this machine, and say what a newer version knows of the same weights."""
    row = Checkpoint.objects.get(pk=pk)
    if row.status == Status.READY and (row.error or row.facts != prepared.facts):
        Checkpoint.objects.filter(pk=pk, status=Status.READY).update(error="", facts=prepared.facts)


def _record(pk: int, prepared: Prepared) -> None:
    Checkpoint.objects.filter(pk=pk).update(
        status=Status.READY,
        stage="",
        error="",
        revision=prepared.revision,
        weight_hash=prepared.weight_hash,
        source_hash=prepared.source_hash,
        facts=prepared.facts,
        prepared_at=timezone.now(),
    )
