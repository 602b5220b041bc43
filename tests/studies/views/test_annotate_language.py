"""The pages in the browser's language: German where it is asked for, English for everybody else."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import open_study


def page(client, name: str, language: str):
    study = open_study(comparisons=1)
    address = reverse(f"studies:annotate-{name}", args=[study.invite])
    return client.get(address, headers={"accept-language": language})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "given", "words"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Ich habe dies gelesen und möchte teilnehmen."),
        ("en-GB", "en", "I have read this and agree to take part."),
        ("fr, ja;q=0.5", "en", "I have read this and agree to take part."),
        ("", "en", "I have read this and agree to take part."),
    ],
)
def test_the_page_speaks_the_browsers_language(client, asked, given, words):
    response = page(client, "consent", asked)

    assert words in response.text
    assert f'<html lang="{given}" dir="ltr">' in response.text
    assert (response["Content-Language"], "Accept-Language" in response["Vary"]) == (given, True)


@pytest.mark.django_db
def test_the_whole_comparison_page_is_german(client):
    study = open_study(comparisons=1)
    german = {"accept-language": "de"}
    at = {
        name: reverse(f"studies:annotate-{name}", args=[study.invite])
        for name in ("start", "consent", "instructions", "compare")
    }
    client.get(at["start"], headers=german)
    client.post(at["consent"], {"agree": "on"}, headers=german)
    client.post(at["instructions"], headers=german)

    text = client.get(at["compare"], headers=german).text

    assert all(word in text for word in ("Antwort A", "Antwort B", "A ist besser", "Beide gleich", "1 von 1"))
    assert [word in text for word in ("Response A", "A is better", "Report a problem")] == [False] * 3


@pytest.mark.django_db
def test_the_dashboard_follows_the_browser(dashboard):
    german = dashboard.get("/import/", headers={"accept-language": "de"})
    english = dashboard.get("/import/", headers={"accept-language": "fr, en;q=0.2"})

    assert "<h1>Studiendatei importieren</h1>" in german.text
    assert '<html lang="de"' in german.text
    assert german["Content-Language"] == "de"
    assert "<h1>Import a study file</h1>" in english.text


def test_a_reader_chooses_another_language_than_the_browsers(dashboard):
    german = {"accept-language": "de"}
    chosen = dashboard.post("/language/", {"language": "en", "next": "/import/"}, headers=german)

    page = dashboard.get(chosen["Location"], headers=german)

    assert chosen["Location"] == "/import/"
    assert "<h1>Import a study file</h1>" in page.text
    assert '<html lang="en"' in page.text


def test_the_language_is_changed_by_the_page_alone():
    checked = Client(enforce_csrf_checks=True)

    response = checked.post("/language/", {"language": "de", "next": "https://evil.example/"})

    assert response.status_code == 403
    assert "django_language" not in response.cookies


def test_programs_are_answered_in_english(dashboard):
    response = dashboard.get("/api/v1/studies/none", headers={"accept-language": "de"})

    assert response.json()["title"] == "Not found"
    assert "Content-Language" not in response
