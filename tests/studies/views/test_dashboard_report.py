"""The report's page in each of its states."""

import json

import pytest
from django.utils import timezone

from generation.models import Worker
from studies.domain.exclusion import exclude_annotator
from studies.domain.reporting import advance_report, claim_report, fail_report
from studies.models import Report
from studies.reports.making import report_now
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return factories.closed_study(comparisons=3, overlap=2)


@pytest.fixture
def reported(study):
    factories.reported(study)
    return study


def page(dashboard, study, part="report/"):
    return dashboard.get(f"/studies/{study.slug}/{part}").content.decode()


def left_out(study):
    person = study.annotators.first()
    exclude_annotator(annotator=person, rule="too-fast", reason="Two seconds.", actor="ada")


def test_a_report_without_a_worker_says_so(dashboard, study):
    shown = page(dashboard, study)

    assert "Report 1 is waiting for a worker." in shown
    assert "No worker has been seen" in shown
    assert "Download the report" not in shown


def test_a_report_whose_worker_lives_waits_quietly(dashboard, study):
    Worker.objects.create(name="w", seen_at=timezone.now())

    assert "No worker has been seen" not in page(dashboard, study)


def test_progress_is_shown_while_it_is_made(dashboard, study):
    report = study.reports.get()
    claim_report(report.pk, owner="one")
    advance_report(report.pk, owner="one", percent=42, stage="Reading judgments: 4 of 6")

    for part in ("report/", "report/progress/"):
        shown = page(dashboard, study, part)
        assert (
            '<progress id="report-progress" aria-labelledby="report-progress-label" max="100" value="42">'
            in shown
        )
        assert "Reading judgments: 4 of 6" in shown


def test_the_part_reloads_the_page_when_the_report_is_there(dashboard, client, reported):
    done = dashboard.get(f"/studies/{reported.slug}/report/progress/")
    client.logout()
    stranger = client.get(f"/studies/{reported.slug}/report/progress/", headers={"HX-Request": "true"})

    assert done["HX-Refresh"] == stranger["HX-Refresh"] == "true"


def test_the_stored_report_is_shown_with_its_files(dashboard, study, django_assert_max_num_queries):
    report_now(study=study, actor="ada")
    with django_assert_max_num_queries(14):
        shown = page(dashboard, study)
    numbers = json.loads(dashboard.get(f"/studies/{study.slug}/report.json").content)
    numbered = dashboard.get(f"/studies/{study.slug}/reports/1/report.json")

    assert "Download the report" in shown
    assert numbers["headline"] in shown.replace("&#x27;", "'")
    assert json.loads(numbered.content) == numbers
    assert numbered["Content-Disposition"] == f'attachment; filename="{study.slug}-report-1.json"'


def test_a_number_that_is_not_there_is_refused(dashboard, reported):
    answer = dashboard.get(f"/studies/{reported.slug}/reports/7/report.json")

    assert answer.status_code == 403
    assert "No such report yet" in answer.content.decode()


def test_what_came_since_is_said_and_a_new_report_offered(dashboard, reported):
    left_out(reported)

    shown = page(dashboard, reported)

    assert "Exclusions made or revoked since: 1." in shown
    assert "Make a new report" in shown
    assert "Download the report" in shown


def test_asking_queues_the_next_and_keeps_showing_the_last(dashboard, reported):
    left_out(reported)

    dashboard.post(f"/studies/{reported.slug}/report/make/")

    shown = page(dashboard, reported)
    assert "Report 2 is waiting for a worker." in shown
    assert "Download the report" in shown
    assert Report.objects.get(number=2).asked_by == "ada"


def test_the_report_before_stays_to_be_had(dashboard, reported):
    left_out(reported)
    factories.reported(reported)

    shown = page(dashboard, reported)

    assert "1 report before it" in shown
    assert f"/studies/{reported.slug}/reports/1/report.zip" in shown


def test_asking_when_nothing_has_come_makes_none(dashboard, reported):
    answer = dashboard.post(f"/studies/{reported.slug}/report/make/", follow=True)

    assert "Nothing has come since" in answer.content.decode()
    assert reported.reports.count() == 1


def test_a_failure_is_shown_with_its_reason_and_another_try(dashboard, study):
    report = study.reports.get()
    claim_report(report.pk, owner="one")
    fail_report(report.pk, owner="one", reason="MemoryError: 8 GiB wanted")

    shown = page(dashboard, study)

    assert "Report 1 could not be made" in shown
    assert "MemoryError: 8 GiB wanted" in shown
    assert "Try again" in shown


def test_a_study_closed_before_reports_were_kept_offers_one(dashboard, study):
    study.reports.all().delete()

    shown = page(dashboard, study)

    assert "No report yet" in shown
    assert "Make the report" in shown


def test_an_open_study_is_refused_by_the_button_too(dashboard):
    study = factories.open_study()

    answer = dashboard.post(f"/studies/{study.slug}/report/make/", follow=True)

    assert "its report can be made when it is closed" in answer.content.decode()
