"""The comparison page on other displays: enlarged, from right to left, on a second device."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.annotating import Annotating, key, moved_on
from tests.site_kit import Site, running_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
HEBREW = "הים גדול וכחול, והדייגים יוצאים אליו ב-5:30 (Good morning!). "
STUDIES = {
    "devices": {"comparisons": 3},
    "zoom": {"comparisons": 1, "criteria": [["overall", "both_bad"], ["degree", "seven_point"]]},
    "hebrew": {"comparisons": 1, "opening": HEBREW, "words": 5, "differences": True},
    "offline": {"comparisons": 2},
}


@pytest.fixture(scope="module")
def site():
    with running_site() as started:
        yield started


@pytest.fixture(scope="module")
def studies(site: Site):
    return site.seed("tests.site_seed:open_studies", **STUDIES)


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return found


def sideways(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_another_device_shows_the_same_comparison_and_one_answer_counts(chromium: Browser, site, studies):
    first, second = (Annotating(chromium, site, studies["devices"]["invite"]) for _ in range(2))
    query = "?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=v"
    first.page.goto(first.address(query))
    first.page.get_by_role("checkbox").check()
    first.page.get_by_role("button", name="Continue").click()
    first.page.get_by_role("button", name="Start comparing").click()
    expect(first.page.get_by_role("heading", name="Response A")).to_be_visible()

    second.page.goto(second.address(query))

    rows = [one.page.locator("[name=assignment]").first.input_value() for one in (first, second)]
    assert rows[0] == rows[1]
    second.answer()
    first.answer()
    expect(first.page.get_by_text("You had answered that comparison already")).to_be_visible()
    expect(first.page.get_by_text("2 of 3")).to_be_visible()
    tally = site.seed("tests.site_seed:tally", slug=studies["devices"]["slug"])
    assert (tally["judgments"], tally["annotators"]) == (1, 1)
    for one in (first, second):
        one.context.close()


def test_twice_the_size_needs_no_scrolling_sideways_and_hides_nothing(chromium: Browser, site, studies):
    # A window of 1280 by 800 at 200 % has 640 by 400 CSS pixels.
    one = Annotating(
        chromium,
        site,
        studies["zoom"]["invite"],
        viewport={"width": 640, "height": 400},
        device_scale_factor=2,
    )
    page = one.arrive()

    assert sideways(page) == 0
    for name in ("Response A", "Response B"):
        heading = page.get_by_role("heading", name=name)
        heading.scroll_into_view_if_needed()
        expect(heading).to_be_in_viewport()
        point = heading.bounding_box()
        hit = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y)?.id",
            [point["x"] + 5, point["y"] + point["height"] / 2],
        )
        assert hit == f"response-{name[-1]}"
    page.get_by_role("radio", name="A is better", exact=True).check()
    page.get_by_role("radio", name="About the same").check()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Thank you")).to_be_visible()
    one.context.close()


def test_hebrew_runs_from_right_to_left_inside_a_page_that_does_not(chromium: Browser, site, studies):
    one = Annotating(chromium, site, studies["hebrew"]["invite"])
    page = one.arrive()

    text = page.locator(".pane .text").first
    assert text.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert text.evaluate("node => getComputedStyle(node).textAlign") == "start"
    gap = text.evaluate(
        """node => {
          const range = document.createRange();
          range.selectNodeContents(node);
          const rights = [...range.getClientRects()].map((part) => part.right);
          return node.getBoundingClientRect().right - Math.max(...rights);
        }"""
    )
    assert gap < 2  # lines begin at the right edge
    assert page.evaluate("document.documentElement.dir") == "ltr"
    assert box(page, "#response-A")["x"] < box(page, "#response-B")["x"]
    one.context.close()


def test_an_interface_from_right_to_left_is_mirrored_and_a_stays_before_b(chromium: Browser, site, studies):
    one = Annotating(chromium, site, studies["hebrew"]["invite"])
    page = one.arrive()
    before = {name: box(page, name)["x"] for name in ("[data-next]", "[data-undo]", ".topline__title")}

    page.evaluate("document.documentElement.dir = 'rtl'")

    after = {name: box(page, name)["x"] for name in before}
    assert (before["[data-undo]"] < before["[data-next]"], after["[data-next]"] < after["[data-undo]"]) == (
        True,
        True,
    )
    assert after[".topline__title"] > before[".topline__title"]
    options = page.locator(".options .option")
    assert options.nth(0).bounding_box()["x"] < options.nth(2).bounding_box()["x"]
    assert box(page, "#response-A")["x"] < box(page, "#response-B")["x"]
    assert sideways(page) == 0
    one.context.close()


def test_half_a_minute_without_a_connection_loses_nothing(chromium: Browser, site, studies):
    one = Annotating(chromium, site, studies["offline"]["invite"])
    one.page.clock.install()
    page = one.arrive()
    shown = key(page)
    one.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()

    page.clock.run_for(30_000)

    assert key(page) == shown
    one.context.set_offline(False)
    page.clock.run_for(10_000)
    moved_on(page, shown)
    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert site.seed("tests.site_seed:tally", slug=studies["offline"]["slug"])["choices"] == [["B", 1]]
    one.context.close()
