"""Celery glue of the reports: fetch, delegate, nothing else."""

from __future__ import annotations

from django.conf import settings

from config.celery import app, on_sweep
from generation.tasks import check_stop
from studies.domain.erasure import keep_retention
from studies.domain.reporting import TASK, call_worker, waiting_reports


@app.task(name=TASK)  # type: ignore[untyped-decorator, unused-ignore]
def make_report(report_id: int) -> None:
    """Make one report; if the worker is asked to stop, the report waits for the next one."""
    from studies.reports import making  # noqa: PLC0415 - matplotlib is loaded when a report is wanted

    making.make_report(report_id, check=check_stop)


@on_sweep
def sweep() -> None:
    """Enqueue every report that waits; messages expire before the next sweep."""
    for report_id in waiting_reports():
        call_worker(report_id, expires=settings.GENERATION_SWEEP_SECONDS)


@on_sweep
def forget() -> None:
    """Erase the personal data of studies whose time to keep them is over."""
    keep_retention(actor="evenhand")
