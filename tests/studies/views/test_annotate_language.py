"""The annotators' pages in the browser's language: complete in German, English for everybody else."""

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from tests.factories import open_study

ROOT = Path(settings.BASE_DIR)
CATALOG = ROOT / "locale" / "de" / "LC_MESSAGES"
SAID = re.compile(r"""\{% translate ["'](.+?)["'] %\}|\b_\(\s*"(.+?)"\s*\)""")
PLACES = (
    "templates/annotate/*.html",
    "templates/annotate/parts/*.html",
    "templates/404.html",
    "templates/500.html",
    "studies/forms/*.py",
    "studies/views/annotate*.py",
)


def said() -> set[str]:
    """Return the plain strings of the annotators' pages, straight from the sources."""
    files = [file for pattern in PLACES for file in ROOT.glob(pattern)]
    return {"".join(found) for file in files for found in SAID.findall(file.read_text())}


def test_every_string_of_the_annotators_pages_has_its_german():
    with (CATALOG / "django.mo").open("rb") as file:
        german = gettext.GNUTranslations(file)

    missing = {text for text in said() if german.gettext(text) == text}

    assert len(said()) > 90
    assert missing == set()


def test_placeholders_survive_translation():
    with (CATALOG / "django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog  # the only way to read all of it

    names = re.compile(r"%\(\w+\)s")
    differing = {
        str(key)
        for key, words in catalog.items()
        if isinstance(key, str) and key and sorted(names.findall(key)) != sorted(names.findall(words))
    }

    assert differing == set()


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
def test_the_dashboard_stays_english(dashboard):
    response = dashboard.get("/import/", headers={"accept-language": "de"})

    assert "Import a study file" in response.text
