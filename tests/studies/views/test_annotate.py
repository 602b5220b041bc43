"""The annotator's pages around the comparisons, without a browser's scripts."""

import pytest
from django.test import Client
from django.urls import reverse

from studies.domain import lifecycle
from studies.enums import AnnotatorStatus
from studies.models import Annotator, Study
from tests.factories import open_study, ready_study

pytestmark = pytest.mark.django_db


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def agree(client: Client, study: Study, **query: str):
    client.get(address(study, "start"), query)
    return client.post(address(study, "consent"), {"agree": "on"})


def arrive(client: Client, study: Study, **query: str) -> Annotator:
    """Go through consent and instructions, and return the annotator made on the way."""
    agree(client, study, **query)
    client.post(address(study, "instructions"))
    return study.annotators.latest("id")


def test_the_link_leads_a_newcomer_to_consent(client):
    study = open_study()

    response = client.get(address(study, "start"), follow=True)

    assert response.redirect_chain == [(address(study, "consent"), 302)]
    assert study.annotators.count() == 0


def test_an_unknown_link_is_a_kind_404(client, db):
    response = client.get("/s/no-such-invite/")

    assert response.status_code == 404
    assert "There is no study here" in response.text


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (lifecycle.pause_study, "paused this study"),
        (lifecycle.close_study, "This study has ended"),
    ],
)
def test_a_study_that_is_not_open_says_so(client, move, words):
    study = move(study=open_study(), actor="tests")

    response = client.get(address(study, "start"), follow=True)

    assert response.status_code == 200
    assert words in response.text


def test_a_study_before_its_opening_says_so(client):
    study = ready_study()

    response = client.get(address(study, "start"), follow=True)

    assert "Not open yet" in response.text


def test_consent_needs_the_box(client):
    study = open_study()
    client.get(address(study, "start"))

    response = client.post(address(study, "consent"), {})

    assert response.status_code == 422
    assert "Tick the box" in response.text
    assert study.annotators.count() == 0


def test_consent_makes_one_annotator_however_often_it_is_sent(client):
    study = open_study()
    client.get(address(study, "start"))
    cookies = client.cookies.output()

    for _ in range(2):
        client.cookies.load(cookies)
        client.post(address(study, "consent"), {"agree": "on"})

    assert [a.pseudonym for a in study.annotators.all()] == ["annotator-0001"]


def test_declining_stores_nothing(client):
    study = open_study()
    client.get(address(study, "start"))

    response = client.post(address(study, "consent"), {"decline": "1"}, follow=True)

    assert "Nothing about you has been stored" in response.text
    assert study.annotators.count() == 0
    assert [morsel.value for morsel in client.cookies.values() if morsel.key != "csrftoken"] == [""]


def test_consent_without_a_cookie_explains_itself(client):
    study = open_study()

    response = client.post(address(study, "consent"), {"agree": "on"})

    assert response.status_code == 400
    assert "allow cookies" in response.text


def test_the_consent_keeps_a_hash_of_the_text_agreed_to(client):
    study = open_study()

    annotator = arrive(client, study)

    # SHA-256 of "You may stop at any time.", by sha256sum.
    assert annotator.consent_hash == "ddfb59a617da3b6966e17dfc2401f20cf1afef1fd9eb2a1827d0643bebb4a0eb"


def test_the_cookie_is_out_of_reach_of_scripts_and_names_no_study(client):
    study = open_study()

    client.get(address(study, "start"))

    (cookie,) = client.cookies.values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", address(study, "start"))
    assert study.slug not in cookie.key + cookie.value


def test_a_forged_cookie_is_nobody(client):
    study = open_study()
    arrive(client, study)
    (name,) = [key for key in client.cookies if key.startswith("annotator-")]

    client.cookies[name] = client.cookies[name].value[:-2] + "xx"
    response = client.get(address(study, "compare"))

    assert response.url == address(study, "start")


def test_the_link_leads_back_to_where_one_was(client):
    study = open_study()
    agree(client, study)

    first = client.get(address(study, "start"))
    client.post(address(study, "instructions"))
    second = client.get(address(study, "start"))

    assert (first.url, second.url) == (address(study, "instructions"), address(study, "compare"))


def test_no_step_can_be_jumped(client):
    study = open_study()
    client.get(address(study, "start"))

    pages = ["instructions", "compare", "thanks"]
    landed = [client.get(address(study, page), follow=True).request["PATH_INFO"] for page in pages]

    assert landed == [address(study, "consent")] * 3


def test_an_external_id_enters_a_study_once_and_resumes_elsewhere():
    study = open_study()
    here, there = Client(), Client()
    annotator = arrive(here, study, PROLIFIC_PID="5f1")

    response = there.get(address(study, "start"), {"PROLIFIC_PID": "5f1"})

    assert response.url == address(study, "compare")
    assert there.get(address(study, "compare")).status_code == 200
    assert list(study.annotators.values_list("pk", "external_id")) == [(annotator.pk, "5f1")]


def test_another_external_id_in_the_same_browser_is_another_person(client):
    study = open_study()
    arrive(client, study, PROLIFIC_PID="one")

    response = client.get(address(study, "start"), {"PROLIFIC_PID": "two"})

    assert response.url == address(study, "consent")


@pytest.mark.parametrize("given", ["a b", "<script>", "x" * 101, "../../etc"])
def test_an_unusable_external_id_is_refused(client, given):
    study = open_study()

    response = client.get(address(study, "start"), {"PROLIFIC_PID": given})

    assert response.status_code == 400
    assert "cannot be used" in response.text


def test_instructions_are_sanitised_markdown(client):
    study = open_study(
        instructions="**Read** [more](https://example.org) <script>alert(1)</script> ![x](http://y/z.png)"
    )
    agree(client, study)

    response = client.get(address(study, "instructions"))

    assert "<strong>Read</strong>" in response.text
    assert 'rel="noopener noreferrer nofollow"' in response.text
    assert "<script>alert" not in response.text
    assert "z.png" not in response.text


def test_pages_are_never_stored(client):
    study = open_study()
    arrive(client, study)

    pages = ("start", "instructions", "compare")
    headers = [client.get(address(study, page))["Cache-Control"] for page in pages]

    assert headers == ["no-store, private"] * 3


def test_those_who_judged_keep_their_code_when_the_study_closes(client):
    study = open_study()
    annotator = arrive(client, study)
    page = client.get(address(study, "compare")).context
    client.post(
        address(study, "compare"),
        {"assignment": page["assignment"], "key": page["key"], "choice-overall": "A"},
    )
    lifecycle.close_study(study=study, actor="tests")

    response = client.get(address(study, "compare"))

    assert "This study has ended" in response.text
    assert annotator.code in response.text


def test_the_end_shows_the_completion_code(client):
    study = open_study(comparisons=2)
    annotator = arrive(client, study)
    for _ in range(2):
        page = client.get(address(study, "compare")).context
        client.post(
            address(study, "compare"),
            {"assignment": page["assignment"], "key": page["key"], "choice-overall": "tie"},
        )

    response = client.get(address(study, "compare"), follow=True)

    assert response.redirect_chain == [(address(study, "thanks"), 302)]
    assert annotator.code in response.text
    annotator.refresh_from_db()
    assert annotator.status == AnnotatorStatus.FINISHED


def test_every_page_of_a_simulated_study_says_so(client):
    study = open_study(comparisons=1, simulated=True)
    honest = open_study(comparisons=1)

    arrive(client, study)

    for name in ("consent", "instructions", "compare"):
        assert b"SIMULATED" in client.get(address(study, name), follow=True).content
        assert b"SIMULATED" not in client.get(address(honest, name), follow=True).content
    lifecycle.close_study(study=study, actor="ada")
    assert b"SIMULATED" in client.get(address(study, "compare"), follow=True).content
