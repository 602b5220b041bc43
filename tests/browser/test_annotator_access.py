"""What axe finds on the annotator's pages: nothing serious, in light and in dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.annotating import Annotating
from tests.site_kit import running_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
CELLS = "| " + " | ".join(f"column{number}" for number in range(12)) + " |"
FORMED = (
    "# Heading\n\n$$x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$$\n\n```\n"
    "x = " + "1 + " * 60 + "1\n```\n\n" + f"{CELLS}\n{'|---' * 12}|\n{CELLS}\n\n- one\n- two\n\n> said\n\n"
)
STUDIES = {
    "plain": {
        "comparisons": 2,
        "overlap": 4,
        "criteria": [["overall", "both_bad"], ["degree", "seven_point"]],
    },
    "marked": {
        "comparisons": 1,
        "overlap": 4,
        "differences": True,
        "reasons": {"options": ["Reads better"], "required": True},
    },
    "expired": {"comparisons": 1, "invite_until": "2020-01-01T00:00:00Z"},
    "markdown": {"comparisons": 2, "words": 900, "text_format": "markdown", "opening": FORMED},
}


@pytest.fixture(scope="module")
def site():
    with running_site({"EVENHAND_LIMIT_LINKS": "3/minute"}) as started:
        yield started


def complaints(page: Page | Frame) -> list[str]:
    """Return what axe calls serious or critical, each with where it is."""
    # Evaluated rather than added as a script: the page's policy forbids foreign scripts.
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    assert found["passes"]
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("study", ["plain", "markdown"])
def test_axe_finds_nothing_serious_on_any_page(chromium: Browser, site, studies, study, scheme):
    one = Annotating(chromium, site, studies[study]["invite"], color_scheme=scheme, reduced_motion="reduce")
    page, found = one.page, {}

    page.goto(one.address())
    found["consent"] = complaints(page)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Continue").click()
    found["instructions"] = complaints(page)
    page.get_by_role("button", name="Start comparing").click()
    expect(page.get_by_role("heading", name="Response B")).to_be_visible()
    found["compare"] = complaints(page)
    page.get_by_role("button", name="Next").click()
    page.get_by_text("Report a problem").click()
    found["missing and report"] = complaints(page)
    page.get_by_text("Report a problem").click()
    page.keyboard.press("?")
    found["help"] = complaints(page)
    page.keyboard.press("Escape")
    answer_all(one)
    found["thanks"] = complaints(page)
    page.goto(f"{site.url}/s/no-such-invite/")
    found["unknown"] = complaints(page)
    one.context.close()

    assert found == {name: [] for name in found}
    assert len(found) == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_links_end(chromium: Browser, site, studies, scheme):
    one = Annotating(chromium, site, studies["marked"]["invite"], color_scheme=scheme)
    page, found = one.page, {}

    page.goto(one.address("?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE"))
    found["preview"] = complaints(page)
    one.arrive()
    page.get_by_label("Mark the words that differ").check()
    page.get_by_text("Give a reason").click()
    found["marked, with reasons"] = complaints(page)
    page.goto(f"{site.url}/s/{studies['expired']['invite']}/")
    found["expired"] = complaints(page)
    for number in range(4):
        page.goto(f"{site.url}/s/guess-{number}/")
    expect(page.get_by_role("heading", name="One moment, please")).to_be_visible()
    found["slow"] = complaints(page)
    one.context.close()

    assert found == {name: [] for name in found}


def answer_all(one: Annotating) -> None:
    for _ in range(2):
        one.press("1", "1", "Enter")
    expect(one.page.get_by_role("heading", name="Your completion code")).to_be_visible()
