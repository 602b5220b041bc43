"""The tour of docs/tour.md in a real browser, with a real worker: what is bold there is pressed here."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.looking import PHONE, overflow, violations
from tests.browser.working import worker
from tests.dashboard_seed import NAME, PASSWORD
from tests.site_kit import ROOT, running_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOUR = ROOT / "docs" / "tour.md"
PROMPTS = "What is a knot?\nHow deep is the sea?\nWhy does it rain?"
DESKTOP = {"width": 1280, "height": 900}


class Tour:
    """A walk along the bold words of the tour: none is left out, and none comes in between."""

    def __init__(self, page: Page) -> None:
        said = re.findall(r"\*\*(.+?)\*\*", TOUR.read_text(encoding="utf-8"), re.DOTALL)
        self.ahead = [" ".join(words.split()) for words in said if words != "bold"]
        self.page = page
        self.seen: dict[str, list[str]] = {}

    def fill(self, words: str, text: str) -> None:
        """Fill in the field that the tour names next."""
        self.come_to(words)
        self.page.get_by_label(words, exact=True).fill(text)

    def press(self, words: str) -> None:
        """Press what the tour names next: a button, a link, a box to tick or a choice."""
        self.come_to(words)
        self._thing(words).click()

    def _thing(self, words: str) -> Locator:
        roles = ("button", "link", "checkbox", "radio")
        # A question that is asked over the page comes first.
        asked = self.page.locator("dialog[open]")
        inside = asked if asked.count() else self.page
        things = [inside.get_by_role(role, name=words, exact=True) for role in roles]
        any_of = things[0]
        for thing in things[1:]:
            any_of = any_of.or_(thing)
        return any_of.first

    def come_to(self, words: str) -> None:
        """Hold the tour to what it names next."""
        assert self.ahead.pop(0) == words

    def look(self, name: str) -> None:
        """Look at the page: accessible in both schemes, and readable on a phone."""
        wrong = violations(self.page)
        self.page.emulate_media(color_scheme="dark")
        # A colour that is still on its way from one scheme to the other is neither's.
        self.page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
        wrong += [f"dark: {one}" for one in violations(self.page)]
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(PHONE)
        wrong += [f"{more} px too wide for a phone" for more in [overflow(self.page)] if more]
        self.page.set_viewport_size(DESKTOP)
        self.seen[name] = wrong


@pytest.fixture(scope="module")
def site():
    fake = {"FAKE_STEP_MS": "2", "EVENHAND_ROWS": "12", "DJANGO_SETTINGS_MODULE": "config.settings"}
    with running_site() as started, worker(started, app="tests.generation.fake_worker", **fake):
        started.seed("tests.dashboard_seed:researcher")
        yield started


def test_the_tour_leads_from_nothing_to_a_running_study(chromium: Browser, site):
    tour = Tour(chromium.new_context(base_url=site.url, viewport=DESKTOP, reduced_motion="reduce").new_page())

    draft(tour)
    texts = tried(tour)
    link = opened(tour)
    annotated(tour, chromium, link)
    watched(tour)

    assert tour.ahead == []
    assert len(texts) == len(set(texts)) == 6
    assert [(name, wrong) for name, wrong in tour.seen.items() if wrong] == []
    assert len(tour.seen) == 13


def draft(tour: Tour) -> None:
    tour.page.goto("/")
    tour.look("log in")
    tour.fill("Username", NAME)
    tour.fill("Password", PASSWORD)
    tour.press("Log in")
    expect(tour.page.get_by_role("heading", name="Studies", level=1)).to_be_visible()
    tour.look("list")
    tour.press("New study")
    expect(tour.page.get_by_role("heading", name="New study")).to_be_visible()
    tour.look("new study")
    tour.fill("Title", "Talk about the sea")
    tour.fill("Short name", "sea-talk")
    tour.fill("Guidance scale of the candidate", "3")
    tour.fill("Instruction that every prompt begins with", "Answer as a pirate.")
    tour.fill("Prompts", PROMPTS)
    tour.press("Make the draft")
    expect(tour.page.get_by_role("heading", name="Texts")).to_be_visible()
    tour.look("editor")


def tried(tour: Tour) -> list[str]:
    page = tour.page
    tour.press("Preview a comparison")
    expect(page.get_by_role("heading", name="Response A")).to_be_visible()
    tour.look("preview")
    tour.press("Leave")
    expect(page.get_by_role("heading", name="Generate the completions")).to_be_visible()
    tour.look("draft")
    tour.press("Try the arms")
    expect(page.get_by_text("Nothing has been tried yet.")).to_be_visible()
    tour.press("Try")
    written = page.locator(".response .text")
    expect(written).to_have_count(6)
    tour.look("trial")
    return written.all_inner_texts()


def opened(tour: Tour) -> str:
    page = tour.page
    tour.press("Overview")
    tour.press("Start generating")
    expect(page.get_by_role("heading", name="Start generating?")).to_be_visible()
    tour.press("Start generating")
    expect(page.get_by_role("heading", name="Look at the pairs, then open")).to_be_visible()
    tour.look("ready")
    tour.press("Open study")
    expect(page.get_by_role("link", name="Read the plan that will be frozen")).to_be_visible()
    tour.press("Open study")
    expect(page.get_by_text("The study is open. Send annotators the link.")).to_be_visible()
    tour.look("open")
    tour.come_to("Annotators’ link")
    return page.get_by_label("Annotators’ link").input_value()


def annotated(tour: Tour, chromium: Browser, link: str) -> None:
    researcher = tour.page
    tour.page = chromium.new_context(viewport=DESKTOP, reduced_motion="reduce").new_page()
    tour.page.goto(link)
    tour.look("consent")
    tour.press("I have read this and agree to take part.")
    tour.press("Continue")
    expect(tour.page.get_by_role("heading", name="How it works")).to_be_visible()
    tour.look("instructions")
    tour.press("Start comparing")
    expect(tour.page.get_by_role("heading", name="Response A")).to_be_visible()
    tour.look("comparison")
    tour.page.get_by_role("radio", name="A is better", exact=True).check()
    tour.come_to("A is better")
    tour.press("Next")
    expect(tour.page.get_by_text("2 of 3")).to_be_visible()
    tour.page.context.close()
    tour.page = researcher


def watched(tour: Tour) -> None:
    # The page keeps itself up to date.
    expect(tour.page.locator(".progress .number", has_text="1 of 6")).to_be_visible()
    tour.look("watching")
