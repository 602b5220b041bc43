"""Practice, comprehension check and survey in a real browser: keys, a phone, no scripts, and axe."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.annotating import Annotating
from tests.browser.test_annotator_access import complaints
from tests.site_kit import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
STEPS = {
    "comparisons": 3,
    "overlap": 8,
    "criteria": [["overall", "both_bad"]],
    "checks": {"shuffled": 1},
    "repeats": 1,
    "practice": [
        {
            "prompt": "Write as a pirate: where is the ship?",
            "a": "Arr, she lies in the bay, matey!",
            "b": "The ship is in the bay.",
            "better": "A",
            "feedback": "Only Response A speaks as a pirate.",
        }
    ],
    "comprehension": [
        {
            "question": "What do you choose by?",
            "options": ["How long a response is", "How well it follows the prompt"],
            "answer": "How well it follows the prompt",
        }
    ],
    "survey": [
        {
            "name": "reading",
            "question": "How often do you read?",
            "kind": "single",
            "options": ["Daily", "Rarely"],
        },
        {"name": "tools", "question": "With what?", "kind": "multiple", "options": ["Paper", "Screen"]},
        {
            "name": "clear",
            "question": "How clear was the task?",
            "kind": "scale",
            "least": 1,
            "most": 7,
            "least_label": "Not at all clear",
            "most_label": "Entirely clear",
        },
        {"name": "age", "question": "Your age?", "kind": "number", "least": 18, "required": False},
        {"name": "remarks", "question": "Anything to add?", "kind": "text", "required": False},
    ],
}


@pytest.fixture(scope="module")
def invite(site: Site):
    return site.seed("tests.site_seed:open_study", **STEPS)["invite"]


def to_practice(one: Annotating) -> Page:
    page = one.page
    page.goto(one.address())
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Practice", exact=True)).to_be_visible()
    return page


def through_practice(page: Page) -> None:
    page.get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Check my answer").click()
    expect(page.get_by_text("Only Response A speaks as a pirate.")).to_be_visible()
    page.get_by_role("button", name="Go on").click()


def through_comprehension(page: Page) -> None:
    page.get_by_label("How well it follows the prompt").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Response A")).to_be_visible()


def fill_survey(page: Page) -> None:
    page.get_by_label("Daily").check()
    page.get_by_label("Paper").check()
    page.get_by_label("6", exact=True).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible()


def sideways(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_step(chromium: Browser, site, invite, scheme):
    one = Annotating(chromium, site, invite, color_scheme=scheme, reduced_motion="reduce")
    page, found = to_practice(one), {}

    found["practice"] = complaints(page)
    page.get_by_role("radio", name="B is better").check()
    page.get_by_role("button", name="Check my answer").click()
    found["feedback"] = complaints(page)
    page.get_by_role("button", name="Go on").click()
    found["comprehension"] = complaints(page)
    through_comprehension(page)
    for _ in range(5):
        one.press("1", "Enter")
    found["survey"] = complaints(page)
    page.locator("form").evaluate_all("forms => forms.forEach(form => (form.noValidate = true))")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Choose an answer.")).to_be_visible()
    found["missing"] = complaints(page)
    fill_survey(page)
    one.context.close()

    assert found == {name: [] for name in found}
    assert len(found) == 5
    assert [line for line in one.trouble if "422" not in line] == []


def test_two_failed_attempts_lead_to_a_kind_end(chromium: Browser, site, invite):
    one = Annotating(chromium, site, invite)
    page = to_practice(one)
    through_practice(page)

    for words in ("you have one more attempt", "Unfortunately you cannot take part"):
        page.get_by_label("How long a response is").check()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text(words)).to_be_visible()

    assert complaints(page) == []
    one.context.close()


def test_a_phone_without_scripts_gets_through_every_step(chromium: Browser, site, invite):
    one = Annotating(
        chromium, site, invite, java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    page = to_practice(one)
    through_practice(page)
    through_comprehension(page)
    for number in range(5):
        expect(page.get_by_text(f"{number + 1} of 5")).to_be_visible()
        page.get_by_role("radio", name="A is better").check()
        page.get_by_role("button", name="Next").click()
    fill_survey(page)
    one.context.close()


def test_no_step_scrolls_sideways_on_a_phone(chromium: Browser, site, invite):
    one = Annotating(chromium, site, invite, viewport={"width": 320, "height": 640})
    page, over = to_practice(one), {}

    over["practice"] = sideways(page)
    through_practice(page)
    over["comprehension"] = sideways(page)
    through_comprehension(page)
    for _ in range(5):
        one.answer()
    over["survey"] = sideways(page)
    one.context.close()

    assert over == {"practice": 0, "comprehension": 0, "survey": 0}


def test_the_steps_can_be_taken_by_keyboard_alone(chromium: Browser, site, invite):
    one = Annotating(chromium, site, invite)
    page = to_practice(one)

    page.get_by_role("radio", name="A is better").focus()
    for key in ("Space", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("How well it follows the prompt").focus()
    for key in ("Space", "Tab", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_role("heading", name="Response A")).to_be_visible()
    one.context.close()
