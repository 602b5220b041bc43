"""The generation panel, and what can be done from it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation import tasks
from generation.models import Completion, Hold, Worker
from studies.enums import StudyStatus
from studies.models import Study
from tests import factories
from tests.studies.views.test_dashboard import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.generate, "apply_async", lambda *_, **__: None)


@pytest.fixture
def study():
    made = factories.draft_study(prompts=2)
    factories.complete(made)
    Study.objects.filter(pk=made.pk).update(status=StudyStatus.GENERATING)
    first, second = Completion.objects.filter(batch_key=made.key).order_by("pk")[:2]
    Completion.objects.filter(pk=first.pk).update(status="failed", error="Out of memory", attempts=4)
    Completion.objects.filter(pk=second.pk).update(status="pending")
    made.refresh_from_db()
    return made


def page(dashboard, study) -> str:
    return text(dashboard.get(f"/studies/{study.slug}/"))


def test_the_panel_tells_the_queue_and_each_worker(dashboard, study) -> None:
    now = timezone.now()
    Worker.objects.create(
        name="celery@gpu-1",
        seen_at=now,
        state="writing",
        rows=96,
        speed=1234,
        device="H100",
        checkpoint="tiny",
    )
    Worker.objects.create(name="gpu-2", seen_at=now - timedelta(minutes=3), state="writing", rows=9)

    said = page(dashboard, study)

    assert "Waiting 1 Being written 0 Done 2 Failed 1 Row-tokens a second 1,234" in said
    assert "gpu-1 ● Writing Device H100 Checkpoint tiny Rows in flight 96 Row-tokens a second 1,234" in said
    assert "gpu-2 × Lost" in said
    assert "Last heard 3 min ago" in said


def test_without_any_worker_the_page_says_how_to_start_one(dashboard, study) -> None:
    said = page(dashboard, study)

    assert "No worker has been seen" in said
    assert "make worker starts one alone" in said


def test_each_failure_has_its_reason_and_its_button(dashboard, study) -> None:
    said = page(dashboard, study)
    failed = Completion.objects.get(status="failed")

    assert "prompt-0 · standard Begun 4 times. Out of memory Retry prompt-0, standard" in said

    answer = dashboard.post(f"/studies/{study.slug}/completions/{failed.pk}/retry/", follow=True)

    assert "The completion is asked for again." in text(answer)
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("pending", 0)
    assert study.events.last().action == "study.completion_retried"


def test_a_retry_that_came_too_late_is_told(dashboard, study) -> None:
    done = Completion.objects.filter(status="done").first()

    answer = dashboard.post(f"/studies/{study.slug}/completions/{done.pk}/retry/", follow=True)

    assert "That completion has not failed" in text(answer)


def test_a_completion_of_another_study_is_not_found(dashboard, study) -> None:
    other = factories.ready_study(prompts=1)
    foreign = Completion.objects.filter(batch_key=other.key).first()

    assert dashboard.post(f"/studies/{study.slug}/completions/{foreign.pk}/retry/").status_code == 404


def test_nobody_retries_without_logging_in(client, study) -> None:
    failed = Completion.objects.get(status="failed")

    answer = client.post(f"/studies/{study.slug}/completions/{failed.pk}/retry/")

    assert answer.status_code in {302, 403}
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_pausing_shows_at_once_and_resuming_too(dashboard, study) -> None:
    answer = dashboard.post(f"/studies/{study.slug}/do/pause-generation/", follow=True)

    assert "Generation is paused The workers write nothing of this study until you resume." in text(answer)
    assert Hold.objects.filter(batch_key=study.key).exists()
    assert "Next Generation is paused" in text(dashboard.get("/studies/"))

    answer = dashboard.post(f"/studies/{study.slug}/do/resume-generation/", follow=True)

    assert "Generation is paused" not in text(answer)
    assert not Hold.objects.exists()


def test_cancelling_asks_what_becomes_of_the_finished_ones(dashboard, study) -> None:
    url = f"/studies/{study.slug}/do/cancel-generation/"

    assert "What becomes of the finished completions?" in text(dashboard.get(url))
    assert "nothing was chosen" in text(dashboard.post(url, follow=True))
    study.refresh_from_db()
    assert study.status == StudyStatus.GENERATING

    dashboard.post(url, {"answer": "keep"})

    study.refresh_from_db()
    assert study.status == StudyStatus.DRAFT
    assert set(Completion.objects.values_list("status", flat=True)) == {"done"}


def test_without_scripts_the_page_of_a_generating_study_reloads_itself(dashboard, study) -> None:
    assert '<noscript><meta http-equiv="refresh"' in dashboard.get(f"/studies/{study.slug}/").content.decode()
    other = factories.open_study()
    assert "http-equiv" not in dashboard.get(f"/studies/{other.slug}/").content.decode()


def test_the_panel_needs_the_same_queries_for_one_and_for_three(dashboard, study) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            dashboard.get(f"/studies/{study.slug}/progress/")
        return len(caught)

    Worker.objects.create(name="one", seen_at=timezone.now())
    before = queries()
    Completion.objects.filter(batch_key=study.key, status="done").update(status="failed", error="no")
    Worker.objects.create(name="two", seen_at=timezone.now())
    Worker.objects.create(name="three", seen_at=timezone.now())

    assert queries() == before
