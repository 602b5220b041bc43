"""The researcher's pages in German: no English text of theirs is left, and nothing but the page is German."""

import re

import pytest
from django.utils import translation

from studies.domain.extending import extend_study
from studies.models import AuditEvent
from tests.factories import AnnotatorFactory, closed_study, draft_study, judge, open_study, ready_study
from tests.translation_kit import german

GERMAN = {"accept-language": "de"}
SITE = (
    "",
    "new/",
    "account/",
    "account/tokens/",
    "account/second-factor/",
    "import/",
    "checkpoints/",
    "people/",
)
DRAFT = ("", "edit/", "edit/arms/", "edit/prompts/", "edit/checks/", "edit/analysis/", "planner/", "copy/")
READY = ("", "pairs/", "do/open/")
OPEN = (
    "",
    "pairs/",
    "annotators/",
    "members/",
    "log/",
    "looks/",
    "extend/",
    "unblind/",
    "do/close/",
    "notices/",
)
CLOSED = ("", "pairs/", "annotators/", "report/", "preferences/", "pairs/by-arm/", "reconcile/")


def english() -> set[str]:
    """Return the English texts that have another German, those with placeholders apart."""
    known = {key: said for key, said in german().items() if isinstance(key, str)}
    return {
        key for key, said in known.items() if key and said != key and "%(" not in key and "\x04" not in key
    }


def texts_of(page: str) -> set[str]:
    """Return the texts of a page, in elements and in attributes that are read out."""
    shown = re.sub(
        r'<(\w+)[^<>]* lang="en".*?</\1>|<(script|style|pre|code).*?</\2>', "", page, flags=re.DOTALL
    )
    inside = re.split(r"<[^<>]*>", shown)
    read = re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', shown)
    return {" ".join(text.split()) for text in [*inside, *read]}


@pytest.mark.django_db
def test_no_page_in_german_says_anything_in_english(dashboard):
    draft_study(slug="a-draft")
    ready_study(slug="a-ready")
    study = open_study(slug="an-open", comparisons=2)
    judge(study, annotator=AnnotatorFactory(study=study), number=1)
    closed_study(slug="a-closed", annotators=2, overlap=2, comparisons=2)
    pages = [f"/{name}" for name in SITE] + [
        f"/studies/{slug}/{name}"
        for slug, names in (("a-draft", DRAFT), ("a-ready", READY), ("an-open", OPEN), ("a-closed", CLOSED))
        for name in names
    ]
    spoken = english()

    left = {}
    for page in pages:
        response = dashboard.get(page, headers=GERMAN, follow=True)
        assert (response.status_code, response["Content-Language"]) == (200, "de"), page
        if found := texts_of(response.text) & spoken:
            left[page] = found

    assert len(spoken) > 900
    assert left == {}


@pytest.mark.django_db
def test_files_are_the_same_in_either_language(dashboard):
    closed_study(slug="a-closed", annotators=2, overlap=2, comparisons=2)
    names = ("study.yaml", "judgments.csv", "annotators.csv", "log.csv", "log.jsonl")

    read = {
        language: [
            b"".join(dashboard.head(f"/studies/a-closed/{name}", headers={"accept-language": language}))
            + dashboard.get(f"/studies/a-closed/{name}", headers={"accept-language": language}).getvalue()
            for name in names[:3]
        ]
        for language in ("de", "en")
    }

    assert read["de"] == read["en"]
    assert all(len(content) > 100 for content in read["en"])


@pytest.mark.django_db
def test_a_preregistration_stays_english_within_a_german_page(dashboard):
    open_study(slug="an-open", comparisons=1)

    pages = {
        language: dashboard.get(
            "/studies/an-open/preregistration/", headers={"accept-language": language}
        ).text
        for language in ("de", "en")
    }
    documents = {
        language: re.search(r'<article class="prose" lang="en".*?</article>', page, re.DOTALL)[0]
        for language, page in pages.items()
    }

    assert documents["de"] == documents["en"]
    assert "<h1>Präregistrierung</h1>" in pages["de"]


@pytest.mark.django_db
def test_the_log_does_not_tell_the_language_of_whoever_acted():
    told = {}
    for language in ("de", "en"):
        study = open_study(slug=f"in-{language}", comparisons=1, overlap=2)
        with translation.override(language):
            extend_study(study=study, overlap=4, reason="More are there.", actor="ada")
        told[language] = (
            AuditEvent.objects.filter(study=study).order_by("pk").values_list("action", "after").last()
        )

    assert told["de"] == told["en"]


@pytest.mark.django_db
def test_what_a_page_refuses_is_said_in_german_and_what_the_api_refuses_in_english(dashboard):
    draft_study(slug="a-draft")

    page = dashboard.post("/studies/a-draft/do/close/", headers=GERMAN, follow=True)
    api = dashboard.get("/api/v1/studies/a-draft/report", headers=GERMAN)

    assert "kann deshalb nicht geschlossen werden" in page.text
    assert api.json()["title"] in {"Not found", "Still blinded", "Not in this state"}
    assert "Studie" not in api.text
