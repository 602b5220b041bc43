"""Links of other kinds: MTurk's, withdrawn ones, expired ones; and who declines."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.domain.invites import limit_invite, renew_invite
from studies.enums import AnnotatorStatus
from studies.models import AuditEvent, Study
from studies.reports.flow import flow
from tests.factories import open_study

pytestmark = pytest.mark.django_db
WORKER = {
    "workerId": "A1",
    "assignmentId": "3XYZ",
    "hitId": "H1",
    "turkSubmitTo": "https://workersandbox.mturk.com",
}


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def agree(client: Client, study: Study, **query: str):
    client.get(address(study, "start"), query)
    return client.post(address(study, "consent"), {"agree": "on"})


def finish(client: Client, study: Study):
    client.post(address(study, "instructions"))
    study.annotators.update(status=AnnotatorStatus.FINISHED)
    return client.get(address(study, "thanks"))


def test_a_preview_shows_everything_and_lets_nobody_in(client):
    study = open_study(comparisons=1, consent="You may stop.", instructions="Read both.")
    preview = WORKER | {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}

    page = client.get(address(study, "start"), preview)

    assert "You may stop." in page.text
    assert "Read both." in page.text
    assert "<form" not in page.text
    assert study.annotators.count() == 0
    assert not client.cookies


def test_a_worker_is_known_by_their_id_and_hands_in_where_they_came_from(client):
    study = open_study(comparisons=1)
    agree(client, study, **WORKER)

    page = finish(client, study)

    annotator = study.annotators.get()
    assert (annotator.external_id, annotator.session_id) == ("A1", "3XYZ")
    assert 'action="https://workersandbox.mturk.com/mturk/externalSubmit"' in page.text
    assert 'name="assignmentId" value="3XYZ"' in page.text
    assert f'name="completionCode" value="{annotator.code}"' in page.text
    assert (
        "form-action 'self' https://www.mturk.com https://workersandbox.mturk.com"
        in (page["Content-Security-Policy"])
    )


def test_other_hosts_get_nothing_and_the_code_is_shown(client):
    study = open_study(comparisons=1)
    agree(client, study, **WORKER | {"turkSubmitTo": "https://evil.example"})

    page = finish(client, study)

    assert "evil.example" not in page.text
    assert study.annotators.get().code in page.text
    assert "mturk" not in page["Content-Security-Policy"]


def test_a_worker_resumes_on_another_device(client):
    study = open_study(comparisons=2)
    agree(client, study, **WORKER)
    client.post(address(study, "instructions"))
    elsewhere = Client()

    elsewhere.get(address(study, "start"), WORKER)

    shown = [each.get(address(study, "compare")).context["assignment"] for each in (client, elsewhere)]
    assert shown[0] == shown[1]
    assert study.annotators.count() == 1


def test_a_withdrawn_link_says_so_and_the_new_one_works():
    study = open_study(comparisons=1)
    old = address(study, "start")

    study = renew_invite(study=study, actor="ada")

    page = Client().get(old)
    assert page.status_code == 410
    assert "This link is no longer in use" in page.text
    assert study.invite not in page.text
    assert agree(Client(), study).status_code == 302
    assert AuditEvent.objects.latest("id").action == "invite.renewed"


def test_who_began_by_a_withdrawn_link_goes_on_by_it(client):
    study = open_study(comparisons=1)
    agree(client, study)
    old = study.invite
    renewed = renew_invite(study=study, actor="ada")

    page = client.get(address(study, "start"), follow=True)

    assert page.status_code == 200
    assert page.redirect_chain[-1][0] == f"/s/{old}/instructions/"
    assert renewed.invite not in page.text


def test_a_recruit_who_began_goes_on_from_another_device_after_a_withdrawal(client):
    study = open_study(comparisons=1)
    agree(client, study, PROLIFIC_PID="p1")
    renew_invite(study=study, actor="ada")

    known, stranger = (Client().get(address(study, "start"), {"PROLIFIC_PID": who}) for who in ("p1", "p2"))

    assert (known.status_code, stranger.status_code) == (302, 410)


def test_an_expired_link_lets_no_newcomer_in_and_those_who_began_go_on(client):
    study = open_study(comparisons=1)
    agree(client, study)
    limit_invite(study=study, until=timezone.now() - timedelta(minutes=1), actor="ada")

    page = Client().get(address(study, "consent"), headers={"accept-language": "de"})

    assert page.status_code == 410
    assert "Dieser Link ist abgelaufen" in page.text
    assert client.get(address(study, "instructions")).status_code == 200
    limit_invite(study=study, until=None, actor="ada")
    assert Client().get(address(study, "consent")).status_code == 200


def test_the_link_of_a_closed_study_stays_as_it_is():
    study = lifecycle.close_study(study=open_study(comparisons=1), actor="ada")

    with pytest.raises(StudyError, match="closed"):
        renew_invite(study=study, actor="ada")


def test_a_refusal_is_counted_once_with_its_day_and_nothing_else(client):
    study = open_study(comparisons=1)
    client.get(address(study, "start"), {"PROLIFIC_PID": "p1"})

    for _ in range(2):
        client.post(address(study, "consent"), {"decline": "1"})

    (refusal,) = study.refusals.all()
    assert refusal.day == timezone.now().date()
    assert {field.name for field in refusal._meta.fields} == {"id", "study", "day"}
    counted = flow(study, excluded=0, analysed=0)
    assert (counted.annotators_arrived, counted.annotators_declined) == (1, 1)


def test_a_page_that_was_open_too_long_says_so_in_the_annotators_language():
    study = open_study(comparisons=1)
    client = Client(enforce_csrf_checks=True)

    page = client.post(address(study, "consent"), {"agree": "on"}, headers={"accept-language": "de"})

    assert page.status_code == 403
    assert "Bitte senden Sie es noch einmal" in page.text
    assert address(study, "start") in page.text


@pytest.mark.parametrize("assignment", ["3XYZ", "ASSIGNMENT_ID_NOT_AVAILABLE"])
def test_in_a_frame_only_the_first_page_of_a_link_may_be_shown_and_only_by_known_hosts(client, assignment):
    study = open_study(comparisons=1)
    query = WORKER | {"assignmentId": assignment}

    framed = client.get(address(study, "start"), query, headers={"Sec-Fetch-Dest": "iframe"})
    in_a_tab = client.get(address(study, "start"), query, headers={"Sec-Fetch-Dest": "document"})
    deeper = client.get(address(study, "consent"), headers={"Sec-Fetch-Dest": "iframe"})

    known = "frame-ancestors worker.mturk.com workersandbox.mturk.com"
    assert known in framed["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed
    for page in (in_a_tab, deeper):
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"


def test_in_a_frame_the_link_opens_a_tab_takes_the_code_and_lets_nobody_in(client):
    study = open_study(comparisons=1)

    page = client.get(address(study, "start"), WORKER, headers={"Sec-Fetch-Dest": "iframe"})

    link = page.text.split('target="_blank"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert client.get(link)["Location"] == address(study, "consent")
    assert 'action="https://workersandbox.mturk.com/mturk/externalSubmit"' in page.text
    assert 'name="assignmentId" value="3XYZ"' in page.text
    assert "form-action 'self' https://www.mturk.com" in page["Content-Security-Policy"]
    assert study.annotators.count() == 0
    assert not page.cookies
