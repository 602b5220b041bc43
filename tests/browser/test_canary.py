"""Everything an annotator's browser receives, searched for words that would break the blinding."""

import json

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.canary_seed import ARM_WORDS, SECRETS
from tests.recorder import recording
from tests.site_kit import Site, running_site

pytestmark = pytest.mark.browser


def found(received: list[tuple[str, bytes]]) -> set[tuple[str, str]]:
    return {
        (place, secret)
        for place, content in received
        for secret in SECRETS
        if secret.encode() in content.lower()
    }


def stored(context: BrowserContext, page: Page) -> list[tuple[str, bytes]]:
    """Return what the browser keeps: cookies and storage."""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    return [("storage", kept.encode()), ("cookies", json.dumps(context.cookies()).encode())]


def arm_words(received: list[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Return the words of the arm frame in pages; style sheets may speak of a baseline in their own sense."""
    pages = [(place, content) for place, content in received if b"text/html" in content]
    return {(place, word) for place, content in pages for word in ARM_WORDS if word in content.lower()}


@pytest.fixture(scope="module")
def site():
    with running_site() as started:
        yield started


@pytest.fixture(scope="module")
def study(site: Site):
    return site.seed("tests.canary_seed:canary_study", comparisons=3)


def get_ready(page: Page, link: str) -> None:
    """Go through consent, instructions, practice and the questions."""
    page.goto(link)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Check my answer").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Fit").check()
    page.get_by_role("button", name="Continue").click()


def annotate_everything(page: Page, url: str, invite: str) -> None:
    """Visit each page of the flow, from the link to the thanks, and what strangers see."""
    get_ready(page, f"{url}/s/{invite}/")
    page.get_by_role("heading", name="Response A").wait_for()
    page.reload()
    answer(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("radio", name="A is better").wait_for()
    for _ in range(6):
        answer(page)
    page.get_by_label("Paper").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").first.wait_for()
    for path in (f"{invite}/instructions/", f"{invite}/consent/", f"{invite}/compare/", "no-such-invite/"):
        page.goto(f"{url}/s/{path}")


def answer(page: Page) -> None:
    """Judge the comparison on screen and wait until another page stands there."""
    key = page.locator("form input[name=key]").input_value()
    page.get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Next").click()
    page.wait_for_function("key => document.querySelector('input[name=key]')?.value !== key", arg=key)


def test_nothing_an_annotator_receives_names_an_arm(chromium: Browser, site: Site, study):
    with recording(site.url) as record:
        context = chromium.new_context()
        page = context.new_page()

        annotate_everything(page, record.url, study["invite"])

        received = record.received + stored(context, page)
        context.close()
    invite = study["invite"]
    assert {
        f"/s/{invite}/{step}/"
        for step in ("consent", "practice", "comprehension", "compare", "undo", "survey", "thanks")
    } <= record.paths()
    assert any(path.endswith(".js") for path in record.paths())
    assert any(path.endswith(".css") for path in record.paths())
    assert sum(b"Response A" in content for _, content in received) >= 4
    checks = [content for _, content in received if b"What is 2 + 2?" in content]
    assert checks
    assert all(b"a fish." in content and b"four." in content for content in checks)
    assert found(received) == set()
    assert arm_words(received) == set()


def test_the_same_search_finds_the_secrets_where_researchers_see_them(chromium: Browser, site: Site, study):
    with recording(site.url) as record:
        page = chromium.new_page()

        page.goto(f"{record.url}/login/")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Log in").click()
        page.goto(f"{record.url}/studies/{study['slug']}/")

        page.close()
    secrets = {secret for _, secret in found(record.received)}
    assert {"canary-kestrel", "canary-wagtail", "canary-slug", "canary-checkpoint"} <= secrets
