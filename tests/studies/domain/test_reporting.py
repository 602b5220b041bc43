"""Reports as rows: one at a time, claimed once, taken back from the dead, never changed."""

import subprocess
import sys
import zlib
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.utils import timezone

from generation import owners
from studies.domain import reporting
from studies.domain.errors import StudyError
from studies.domain.exclusion import exclude_annotator
from studies.domain.lifecycle import archive_study
from studies.domain.reporting import (
    Made,
    advance_report,
    ask_for_report,
    call_worker,
    changes_since,
    claim_report,
    fail_report,
    file_of,
    give_report_back,
    keep_report,
    newest_report,
    waiting_reports,
)
from studies.domain.versions import versions
from studies.models import AuditEvent, Report
from tests.factories import closed_study, open_study

pytestmark = pytest.mark.django_db
MADE = Made({"json": b"{}"}, judgments=6, judgments_hash="a" * 64, versions=versions())


@pytest.fixture
def report():
    """The report that closing asked for, of a study with two annotators and three comparisons."""
    return closed_study(comparisons=3, overlap=2).reports.get()


def stored(report, made=MADE):
    """Return the report as it is once it is made."""
    assert claim_report(report.pk, owner="one")
    assert keep_report(report.pk, made, owner="one")
    report.refresh_from_db()
    return report


def test_closing_asks_for_the_final_report(report):
    assert (report.number, report.kind, report.state, report.asked_by) == (1, "final", "queued", "tests")


def test_asking_calls_the_workers_once_it_is_committed(django_capture_on_commit_callbacks, monkeypatch):
    called = []
    monkeypatch.setattr(reporting, "call_worker", called.append)
    with django_capture_on_commit_callbacks(execute=True):
        study = closed_study(comparisons=1)

    assert called == [study.reports.get().pk]


def test_a_broker_that_is_away_does_no_harm(report, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no broker")

    monkeypatch.setattr(reporting.current_app, "send_task", refuse)

    call_worker(report.pk)

    assert waiting_reports() == [report.pk]


def test_a_study_that_collects_has_no_report():
    with pytest.raises(StudyError, match="its report can be made when it is closed"):
        ask_for_report(study=open_study(), actor="ada")


def test_asking_again_while_one_is_made_returns_that_one(report):
    claim_report(report.pk, owner="one")

    assert ask_for_report(study=report.study, actor="ada") == report


def test_asking_when_nothing_has_come_since_returns_the_newest(report):
    stored(report)

    assert ask_for_report(study=report.study, actor="ada") == report


def test_an_exclusion_makes_room_for_the_next_number(report):
    stored(report)
    exclude_annotator(
        annotator=report.study.annotators.first(), rule="too-fast", reason="Two seconds.", actor="ada"
    )

    second = ask_for_report(study=report.study, actor="ada")

    assert changes_since(report) == ("Exclusions made or revoked since: 1.",)
    assert (second.number, second.state, second.asked_by) == (2, "queued", "ada")
    assert newest_report(report.study) == second


def test_other_judgments_and_other_software_are_told(report):
    other = versions() | {"numpy": "1.0"}
    stored(report, Made(MADE.files, judgments=5, judgments_hash="a", versions=other))

    assert changes_since(report) == (
        "Judgments added since: 1.",
        f"It was made by numpy 1.0; now there is {versions()['numpy']}.",
    )


def test_only_one_process_gets_a_report(report):
    first, second = claim_report(report.pk, owner="one"), claim_report(report.pk, owner="two")

    assert (first, second) == (report, None)
    assert waiting_reports() == []


def test_a_finished_report_is_not_claimed_again(report):
    stored(report)

    assert claim_report(report.pk, owner="two") is None
    assert waiting_reports() == []


def test_progress_is_told_by_the_owner_alone(report):
    claim_report(report.pk, owner="one")

    told = [advance_report(report.pk, owner=owner, percent=40, stage=owner) for owner in ("one", "two")]

    report.refresh_from_db()
    assert told == [True, False]
    assert (report.progress, report.stage) == (40, "one")


def test_a_silent_claim_is_taken_over_and_its_owner_stores_nothing(report, settings):
    claim_report(report.pk, owner="one")
    silent = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS + 1)
    Report.objects.filter(pk=report.pk).update(heartbeat_at=silent)

    taken = claim_report(report.pk, owner="two")

    assert taken == report
    assert not keep_report(report.pk, MADE, owner="one")
    assert report.files.count() == 0
    assert keep_report(report.pk, MADE, owner="two")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by /proc")
def test_the_claim_of_a_killed_process_is_free_at_once(report):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        host = owners.new_owner().partition(":")[0]
        claim_report(report.pk, owner=f"{host}:{process.pid}:{owners._born(process.pid)}")
        alive = waiting_reports()
        process.kill()

    assert alive == []
    assert waiting_reports() == [report.pk]


def test_a_report_that_kills_its_makers_fails_with_its_reason(report, settings):
    for _ in range(settings.GENERATION_ATTEMPTS):
        assert claim_report(report.pk, owner="one")
        Report.objects.filter(pk=report.pk).update(heartbeat_at=timezone.now() - timedelta(days=1))

    assert claim_report(report.pk, owner="one") is None
    report.refresh_from_db()
    assert report.state == "failed"
    assert "the worker died each time (out of memory?)" in report.error


def test_giving_back_is_no_attempt(report):
    claim_report(report.pk, owner="one")

    give_report_back(report.pk, owner="one")

    report.refresh_from_db()
    assert (report.state, report.attempts, report.claimed_by) == ("queued", 0, "")


def test_a_failed_report_is_tried_again_under_its_number(report):
    claim_report(report.pk, owner="one")
    fail_report(report.pk, owner="one", reason="No memory.")

    again = ask_for_report(study=report.study, actor="ada")

    assert (again, again.number, again.state, again.error) == (report, 1, "queued", "")


def test_what_is_stored_says_what_it_rests_on_and_is_logged(report):
    stored(report)

    file = report.files.get()
    assert (file.sha256, file.size) == (sha256(b"{}").hexdigest(), 2)
    assert zlib.decompress(file.packed) == file_of(report, "json") == b"{}"
    assert (report.plan_hash, report.seed) == (report.study.plan_hash, report.study.seed)
    assert (report.progress, report.versions) == (100, versions())
    event = AuditEvent.objects.get(action="report.made")
    assert (event.actor, event.after["number"], event.after["judgments_hash"]) == ("tests", 1, "a" * 64)


def test_an_archived_study_can_still_be_reported(report):
    study = archive_study(study=report.study, actor="ada")

    assert ask_for_report(study=study, actor="ada") == report
