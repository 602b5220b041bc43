"""The dashboard in a real browser: accessible, readable on a phone, alive without being reloaded."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import PHONE, overflow, violations
from tests.dashboard_seed import NAME, PASSWORD
from tests.site_kit import Site, running_site

pytestmark = pytest.mark.browser

TABS = ("pairs", "annotators", "report")
STATES = ("draft", "generating", "ready", "open", "paused", "closed", "simulated")
PAGES = [
    "/login/",
    "/studies/",
    "/import/",
    "/checkpoints/",
    "/components/",
    "/nowhere",
    "/studies/ready/do/open/",
    "/studies/draft/do/close/",
    "/studies/open/judgments.csv",
    "/studies/open/reconcile/",
    *(f"/studies/{state}/" for state in STATES),
    *(
        f"/studies/{state}/{page}/"
        for state in ("open", "closed")
        for page in ("pairs", "annotators", "report")
    ),
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": PHONE}


@pytest.fixture(scope="module")
def site():
    with running_site() as started:
        started.seed("tests.dashboard_seed:every_state")
        yield started


def logged_in(chromium: Browser, site: Site, **options) -> Page:
    page = chromium.new_context(base_url=site.url, **options).new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Studies", level=1)).to_be_visible()
    return page


@pytest.fixture(scope="module")
def pages(chromium, site):
    """A logged-in page of each kind, used by many tests."""
    made = {
        (size, scheme): logged_in(chromium, site, viewport=SIZES[size], color_scheme=scheme)
        for size, scheme in (("desktop", "light"), ("desktop", "dark"), ("phone", "light"))
    }
    yield made
    for page in made.values():
        page.context.close()


DARK = (
    "/components/",
    "/checkpoints/",
    "/studies/",
    "/studies/open/",
    "/studies/generating/",
    "/studies/closed/report/",
)


@pytest.mark.parametrize(
    ("scheme", "address"),
    [*(("light", address) for address in PAGES), *(("dark", address) for address in DARK)],
)
def test_axe_finds_nothing_serious(pages, address, scheme):
    page = pages["desktop", scheme]
    page.goto(address)

    assert violations(page) == []


@pytest.mark.parametrize("address", PAGES)
def test_a_phone_of_320_pixels_needs_no_scrolling_sideways(pages, address):
    page = pages["phone", "light"]
    page.goto(address)

    assert overflow(page) == 0


def test_axe_finds_nothing_serious_in_the_dialog(pages):
    page = pages["desktop", "light"]
    page.goto("/studies/ready/")
    page.get_by_role("link", name="Open study").click()
    expect(page.get_by_role("dialog", name="Open this study?")).to_be_visible()

    assert violations(page) == []


def test_the_dialog_is_left_by_escape_and_by_cancel(pages):
    page = pages["desktop", "light"]
    page.goto("/studies/ready/")
    dialog = page.get_by_role("dialog")

    page.get_by_role("link", name="Open study").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Open study").click()
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()

    assert page.url.endswith("/studies/ready/")


def test_no_page_breaks_its_own_policy(chromium, site):
    page = logged_in(chromium, site)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))

    for address in ("/studies/", "/components/", "/studies/open/", "/studies/closed/report/"):
        page.goto(address)
    page.context.close()

    assert told == []


def test_everything_works_without_a_script(chromium, site):
    page = logged_in(chromium, site, java_script_enabled=False)
    page.goto("/studies/paused/")

    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume").click()

    expect(page.get_by_text("The study is open again.")).to_be_visible()
    page.context.close()


def test_a_generating_study_becomes_ready_before_the_researchers_eyes(chromium, site):
    page = logged_in(chromium, site)
    page.goto("/studies/generating/")
    expect(page.get_by_text("1 completion failed")).to_be_visible()

    site.seed("tests.dashboard_seed:finish", slug="generating")

    expect(page.locator("#status")).to_contain_text("Ready to open")
    expect(page.get_by_role("link", name="Open study")).to_be_visible()
    expect(page.locator("[data-poll]")).to_have_count(0)
    page.context.close()


def test_times_are_told_in_the_readers_zone(chromium, site):
    page = logged_in(chromium, site, timezone_id="Asia/Tokyo", locale="en-GB")
    page.goto("/components/")

    # 2023-06-30 17:15 UTC is a quarter past two in the morning in Tokyo.
    expect(page.locator("time").first).to_have_text("1 Jul 2023, 02:15")
    expect(page.locator("time").first).to_have_attribute("title", "2023-06-30 17:15 UTC")
    page.context.close()


def test_the_annotators_link_is_copied(chromium, site):
    page = logged_in(chromium, site, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/studies/open/")

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Annotators’ link").input_value()
    assert copied.startswith(f"{site.url}/s/")
    page.context.close()
