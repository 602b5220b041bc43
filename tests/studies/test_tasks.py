"""The Celery task of the reports, called as a worker would."""

import pytest
from django.conf import settings

from config import celery
from studies import tasks
from studies.domain import reporting
from studies.domain.reporting import TASK
from tests.factories import closed_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def report():
    return closed_study(comparisons=2).reports.get()


def test_a_message_that_comes_twice_makes_one_report(report):
    for _ in range(2):
        celery.app.tasks[TASK].apply((report.pk,), throw=True)

    report.refresh_from_db()
    assert (report.state, report.progress, report.attempts) == ("done", 100, 1)
    assert report.study.events.filter(action="report.made").count() == 1


def test_the_sweep_calls_for_what_waits_and_for_nothing_else(report, monkeypatch):
    sent = []
    monkeypatch.setattr(
        reporting.current_app, "send_task", lambda name, arguments, **how: sent.append((name, arguments, how))
    )

    tasks.sweep()
    reporting.claim_report(report.pk, owner="one")
    tasks.sweep()

    how = {"retry": False, "expires": settings.GENERATION_SWEEP_SECONDS}
    assert sent == [(TASK, (report.pk,), how)]
    assert tasks.sweep in celery._sweeps
