"""What somebody sees who asks for no page, or whom an error of the site meets."""

import pytest
from django.test import Client

from studies.views import health


@pytest.mark.parametrize(
    ("asked", "given", "words"),
    [("de-CH", "de", "Hier ist nichts"), ("fr", "en", "Nothing here"), ("", "en", "Nothing here")],
)
def test_an_address_without_a_page_says_so_in_the_browsers_language(client, asked, given, words):
    response = client.get("/no/such/page/", headers={"accept-language": asked})

    assert response.status_code == 404
    assert f"<h1>{words}</h1>" in response.text
    assert f'<html lang="{given}" dir="ltr">' in response.text
    assert (response["Content-Language"], "Accept-Language" in response["Vary"]) == (given, True)


@pytest.mark.parametrize(
    ("asked", "words"), [("de", "Hier ist etwas schiefgegangen"), ("en", "Something went wrong here")]
)
def test_an_error_of_the_site_is_told_in_the_browsers_language(monkeypatch, asked, words):
    def fails() -> bool:
        message = "The disk is on fire."
        raise RuntimeError(message)

    monkeypatch.setattr(health, "_database", fails)

    response = Client(raise_request_exception=False).get("/readyz", headers={"accept-language": asked})

    assert response.status_code == 500
    assert f"<h1>{words}</h1>" in response.text
    assert "disk" not in response.text
