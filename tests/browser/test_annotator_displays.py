"""The comparison page on other displays: enlarged, narrow, from right to left, with mathematics."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
HEBREW = "הים גדול וכחול, והדייגים יוצאים אליו ב-5:30 (Good morning!). "
WIDE = "$$f(x) = \\frac{" + " + ".join(f"a_{{{n}}} x^{{{n}}}" for n in range(20)) + "}{2}$$ for $5 and $6. "
STUDIES = {
    "zoom": {"comparisons": 1, "criteria": [["overall", "both_bad"], ["degree", "seven_point"]]},
    "hebrew": {"comparisons": 1, "overlap": 4, "opening": HEBREW, "words": 5, "differences": True},
    "formulas": {"comparisons": 1, "overlap": 2, "opening": WIDE, "text_format": "markdown"},
    "as_written": {"comparisons": 1, "opening": WIDE},
    "narrow": {"comparisons": 21, "quota": 21, "overlap": 4, "criteria": [["overall", "both_bad"]]},
}


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return found


def sideways(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_twice_the_size_needs_no_scrolling_sideways_and_hides_nothing(person):
    # A window of 1280 by 800 at 200 % has 640 by 400 CSS pixels.
    one = person("zoom", viewport={"width": 640, "height": 400}, device_scale_factor=2)
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


def test_nothing_moves_for_those_who_want_no_motion(person):
    page = person("hebrew", reduced_motion="reduce").arrive()

    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")]
          .map(node => getComputedStyle(node))
          .filter(style => [style.transitionDuration, style.animationDuration].join()
            .split(",").some(time => parseFloat(time) > 0.001))
          .length"""
    )
    assert moving == 0


def test_hebrew_runs_from_right_to_left_inside_a_page_that_does_not(person):
    one = person("hebrew")
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


def test_an_interface_from_right_to_left_is_mirrored_and_a_stays_before_b(person):
    one = person("hebrew")
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


def test_nothing_scrolls_sideways_on_a_narrow_phone(person):
    one = person("narrow", viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = one.page
    overflow = {}

    def measure(name: str) -> None:
        overflow[name] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    page.goto(one.address())
    measure("consent")
    one.arrive()
    measure("compare")
    page.get_by_text("Report a problem").click()
    measure("report")
    page.goto(one.address("instructions/"))
    measure("instructions")
    page.goto(one.address("compare/"))
    for _ in range(20):
        one.answer("Tie")
    expect(page.get_by_role("heading", name="Time for a short rest")).to_be_visible()
    measure("pause")
    page.get_by_role("button", name="Go on").click()
    one.answer("Tie")
    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible()
    measure("thanks")
    page.goto(f"{one.site.url}/s/no-such-invite/")
    one.trouble.clear()  # the browser says that it met a 404
    measure("unknown")

    assert overflow == dict.fromkeys(overflow, 0)
    assert len(overflow) == 7


def test_formulas_are_set_read_out_and_scroll_within_their_pane(person):
    one = person("formulas", viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = one.arrive()

    sum_, two = (box(page, f"mfrac > :nth-child({place})") for place in (1, 2))
    assert sum_["y"] + sum_["height"] <= two["y"] + 2  # one above the other, with a line between
    assert sideways(page) == 0
    assert page.locator(".pane__text").first.evaluate("pane => pane.scrollWidth - pane.clientWidth") > 100
    expect(page.locator(".pane__text").first).to_contain_text("for $5 and $6.")
    tree = one.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    roles = [node["role"]["value"] for node in tree["nodes"] if "role" in node]
    assert roles.count("MathMLMath") == roles.count("MathMLFraction") == 2
    fonts = page.evaluate("document.fonts.ready.then(all => [...all].map(one => [one.family, one.status]))")
    assert ["Noto Sans Math", "loaded"] in [[family.strip('"'), status] for family, status in fonts]


def test_plain_text_shows_tex_as_it_was_written(person):
    page = person("as_written").arrive()

    assert page.locator("math").count() == 0
    expect(page.locator(".pane .text").first).to_contain_text("$$f(x) = \\frac{")
