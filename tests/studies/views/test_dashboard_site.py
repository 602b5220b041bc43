"""What belongs to no study: login, health, errors, components, the look."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone

from generation.models import Worker
from tests import factories

CSS = Path(settings.BASE_DIR) / "static" / "css"
TEXT_ON = [
    ("ink", "paper"),
    ("ink", "paper-raised"),
    ("ink", "paper-sunken"),
    ("ink-soft", "paper"),
    ("ink-soft", "paper-raised"),
    ("ink-soft", "paper-sunken"),
    ("accent", "paper"),
    ("accent", "paper-raised"),
    ("accent", "accent-wash"),
    ("accent-strong", "accent-wash"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-strong"),
    ("candidate-text", "paper-raised"),
    ("baseline-text", "paper-raised"),
    ("good", "good-wash"),
    ("warn", "warn-wash"),
    ("bad", "bad-wash"),
    ("bad", "paper-raised"),
    ("bad-ink", "bad"),
]
MARKS_ON = [
    ("focus", "paper"),
    ("focus", "paper-raised"),
    ("line-strong", "paper-raised"),
    ("line-strong", "paper"),
    ("candidate", "paper-raised"),
    ("baseline", "paper-raised"),
    ("tie", "paper-raised"),
]


@pytest.mark.django_db
def test_a_researcher_logs_in_and_out(client):
    factories.ResearcherFactory(username="ada")

    response = client.post("/login/", {"username": "ada", "password": "correct horse battery"})
    out = client.post("/logout/")

    assert response.url == reverse("studies:list")
    assert out.url == "/login/"
    assert client.get("/studies/").status_code == 302


@pytest.mark.django_db
def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(client):
    page = client.post("/login/", {"username": "ada", "password": "no"}).content.decode()

    assert "Please enter a correct username and password" in page
    assert 'role="alert"' in page


@pytest.mark.django_db
def test_the_login_page_says_where_the_first_password_lies(client):
    assert "var/researcher.txt" in client.get("/login/").content.decode()


def test_alive_asks_nothing_of_the_database(client):
    assert client.get("/healthz").content == b"alive\n"


@pytest.mark.django_db
@pytest.mark.parametrize("seen", [True, False])
def test_ready_tells_what_answers(client, seen):
    if seen:
        Worker.objects.create(name="worker-1", seen_at=timezone.now())

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"database": True, "broker": True, "worker_seen": seen}


@pytest.mark.django_db
def test_not_ready_without_the_database(client, monkeypatch):
    def refuse():
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", refuse)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"database": False, "broker": True, "worker_seen": False}


@pytest.mark.django_db
def test_a_broker_that_does_not_answer_is_told_and_does_no_harm(client, monkeypatch):
    monkeypatch.setattr("studies.views.health.current_app.conf.broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("studies.views.health.current_app.conf.broker_write_url", "redis://127.0.0.1:1/0")

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["broker"] is False


@pytest.mark.django_db
def test_a_missing_page_is_told_kindly(client):
    response = client.get("/nowhere")

    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


@pytest.mark.django_db
def test_an_error_shows_no_trace(dashboard, monkeypatch):
    def fail(_study):
        message = "a secret detail"
        raise RuntimeError(message)

    monkeypatch.setattr("studies.views.access.settle", fail)
    dashboard.raise_request_exception = False

    response = dashboard.get(f"/studies/{factories.draft_study().slug}/")

    assert response.status_code == 500
    assert "Something went wrong here" in response.content.decode()
    assert "secret detail" not in response.content.decode()


@pytest.mark.django_db
def test_the_components_are_all_on_one_page(dashboard):
    page = dashboard.get("/components/")

    shown = {template.name for template in page.templates}
    components = {
        f"components/{path.name}" for path in (Path(settings.BASE_DIR) / "templates/components").iterdir()
    }
    assert components - shown <= {"components/pages.html", "components/tabs.html"}  # on a study's pages


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["study", "pairs", "annotators", "report"])
def test_no_page_carries_a_style_or_a_script_of_its_own(dashboard, page):
    study = factories.closed_study()

    body = dashboard.get(reverse(f"studies:{page}", args=[study.slug])).content.decode()

    assert re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|javascript:", body) == []


@pytest.mark.django_db
def test_a_page_is_light(dashboard):
    study = factories.open_study(comparisons=24)

    assert len(dashboard.get(f"/studies/{study.slug}/").content) < 100_000


@pytest.mark.django_db
def test_the_administrators_window_changes_nothing_and_shows_no_pair(client):
    client.force_login(factories.ResearcherFactory(is_staff=True, is_superuser=True))
    study = factories.closed_study()

    index = client.get("/admin/").content.decode()

    assert client.get(f"/admin/studies/study/{study.pk}/change/").status_code == 200
    assert client.post(f"/admin/studies/study/{study.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/studies/study/add/").status_code == 403
    assert [
        table for table in ("comparison", "assignment", "judgment", "completion") if f"/{table}/" in index
    ] == []


def tokens(scheme: str) -> dict[str, str]:
    """The colours of a scheme; dark ones override light ones."""
    light, dark = (CSS / "tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    text = light + dark if scheme == "dark" else light
    return dict(re.findall(r"--([\w-]+):\s*#([0-9a-f]{6})", text))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from its definition of relative luminance."""

    def luminance(colour: str) -> float:
        channels = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_twenty_one():
    assert contrast("000000", "ffffff") == pytest.approx(21)  # WCAG 2.2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT_ON, 4.5), (MARKS_ON, 3)])
def test_colours_keep_the_contrast_of_wcag_aa(scheme, pairs, least):
    colours = tokens(scheme)

    weak = {
        (front, back): round(contrast(colours[front], colours[back]), 2)
        for front, back in pairs
        if contrast(colours[front], colours[back]) < least
    }

    assert weak == {}


def test_the_okabe_ito_pair_is_exact():
    colours = tokens("light")

    assert (colours["candidate"], colours["baseline"]) == ("0072b2", "d55e00")
