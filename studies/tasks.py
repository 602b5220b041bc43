"""Celery glue of reports and notices: fetch, delegate, nothing else."""

from __future__ import annotations

from django.conf import settings

from config.celery import app, on_beat, on_sweep
from generation.tasks import check_stop
from studies.domain import notices
from studies.domain.additions import collecting_more, settle_additions
from studies.domain.erasure import keep_retention
from studies.domain.reporting import TASK, call_worker, waiting_reports
from studies.domain.watching import look_round, watched_studies


@app.task(name=TASK)  # type: ignore[untyped-decorator, unused-ignore]
def make_report(report_id: int) -> None:
    """Make one report; if the worker is asked to stop, the report waits for the next one."""
    from studies.reports import making  # noqa: PLC0415 - matplotlib is loaded when a report is wanted

    making.make_report(report_id, check=check_stop)


@app.task(name=notices.TASK)  # type: ignore[untyped-decorator, unused-ignore]
def send_notices() -> None:
    """Look what has come about, and send the notices that are due."""
    from studies.sending.delivering import deliver_due  # noqa: PLC0415 - httpx is loaded when it is wanted

    look_round()
    deliver_due(check=check_stop)


@on_beat
def mind_notices() -> None:
    """Have a worker send what is due and look for what somebody wants to be told of."""
    if notices.due() or watched_studies():
        notices.call_worker()


@on_sweep
def sweep() -> None:
    """Enqueue every report that waits; messages expire before the next sweep."""
    for report_id in waiting_reports():
        call_worker(report_id, expires=settings.GENERATION_SWEEP_SECONDS)


@on_sweep
def serve_additions() -> None:
    """Let prompts that were added to open studies be judged once they are written."""
    for study in collecting_more():
        settle_additions(study)


@on_sweep
def forget() -> None:
    """Erase the personal data of studies whose time to keep them is over."""
    keep_retention(actor="evenhand")
