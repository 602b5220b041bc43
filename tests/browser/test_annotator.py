"""The annotator's pages in a real browser: by keyboard, with and without scripts."""

import time

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
TIE = [["overall", "both_bad"]]
BOTH = [["instruction", "tie"], ["message", "tie"]]
STUDIES = {
    "keyboard": {"comparisons": 4, "criteria": TIE},
    "undo": {"comparisons": 3, "criteria": TIE},
    "plain": {"comparisons": 3, "criteria": BOTH},
    "patience": {"comparisons": 2, "criteria": TIE, "min_exposure_ms": 4000},
    "typing": {"comparisons": 2, "criteria": TIE},
    "several": {"comparisons": 2, "criteria": BOTH},
    "graded": {"comparisons": 3, "criteria": [["overall", "five_point"]]},
    "names": {"comparisons": 1, "criteria": [["overall", "both_bad"], ["degree", "seven_point"]]},
    "time": {"comparisons": 1, "criteria": TIE},
    "idle": {"comparisons": 1, "criteria": TIE},
    "report": {"comparisons": 2, "criteria": TIE},
    "copy": {"comparisons": 1, "criteria": TIE},
}


def focus_by_tab(page: Page, target: str) -> None:
    """Press Tab until the element ``target`` has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("target => document.activeElement.matches(target)", target):
            return
    pytest.fail(f"Tab never reached {target}")


def test_everything_can_be_done_by_keyboard_alone(person, stored):
    one = person("keyboard")
    page = one.page
    page.goto(one.address())
    focus_by_tab(page, "[name=agree]")
    page.keyboard.press("Space")
    focus_by_tab(page, "button.button--primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Instructions")).to_be_visible()
    focus_by_tab(page, "button.button--primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Response A")).to_be_visible()

    one.press("1", "Enter")
    one.press("ArrowRight", "Enter")
    one.press("t", "Enter")
    one.press("0", "b", "Enter")

    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible()
    assert stored("keyboard")["choices"] == [["A", 1], ["B", 1], ["both_bad", 1], ["tie", 1]]


def test_undo_takes_back_the_last_answer_and_only_it(person, stored):
    one = person("undo")
    page = one.arrive()
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    one.answer("A is better")
    first = page.locator(".pane").first.inner_text()
    one.answer("B is better")

    one.press("u")

    expect(page.get_by_text("Your last answer is taken back")).to_be_visible()
    assert page.locator(".pane").first.inner_text() == first
    expect(page.get_by_text("2 of 3")).to_be_visible()
    one.press("0", "Enter")
    one.press("Control+z")
    one.press("1", "Enter")
    assert stored("undo")["choices"] == [["A", 2]]


def test_everything_works_without_scripts(person, stored):
    one = person("plain", java_script_enabled=False)
    page = one.arrive()
    for number in range(3):
        for question in page.get_by_role("group").filter(has=page.get_by_role("radio")).all()[:2]:
            question.get_by_role("radio", name="B is better" if number else "Tie").check()
        page.get_by_role("button", name="Next").click()
        if number == 0:
            page.get_by_role("button", name="Undo").click()
            for question in page.get_by_role("group").filter(has=page.get_by_role("radio")).all()[:2]:
                question.get_by_role("radio", name="A is better").check()
            page.get_by_role("button", name="Next").click()

    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible()
    assert stored("plain")["choices"] == [["A", 2], ["B", 4]]


def test_keys_wait_until_the_texts_have_been_on_screen(person):
    one = person("patience")
    page = one.arrive()

    page.keyboard.press("1")
    early = page.get_by_role("radio", checked=True).count()
    page.wait_for_timeout(4100)
    page.keyboard.press("1")

    assert early == 0
    expect(page.get_by_role("radio", name="A is better")).to_be_checked()


def test_keys_are_letters_while_one_types_and_ignored_while_held(person):
    one = person("typing")
    page = one.arrive()
    page.get_by_text("Add a reason").click()
    page.get_by_label("Why? (optional)").fill("")
    page.get_by_label("Why? (optional)").press_sequentially("b2 1u?")
    assert page.get_by_role("radio", checked=True).count() == 0
    assert page.get_by_label("Why? (optional)").input_value() == "b2 1u?"

    page.get_by_text("Add a reason").click()
    page.keyboard.down("1")
    page.keyboard.down("1")
    page.keyboard.up("1")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")

    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert page.get_by_role("radio", checked=True).count() == 0


def test_keys_answer_one_question_after_the_other(person, stored):
    one = person("several")
    page = one.arrive()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Choose an answer first.")).to_be_visible()

    one.press("1", "2", "Enter")
    one.press("0", "0", "1", "Enter")

    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible()
    tally = stored("several")
    assert tally["choices"] == [["A", 2], ["B", 1], ["tie", 1]]
    assert tally["per_criterion"] == [["instruction", 2], ["message", 2]]


def test_a_graded_scale_takes_numbers_and_arrows(person):
    one = person("graded")
    page = one.arrive()

    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="A slightly better")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="A much better")).to_be_checked()
    page.keyboard.press("5")
    expect(page.get_by_role("radio", name="B much better")).to_be_checked()
    page.keyboard.press("t")
    expect(page.get_by_role("radio", name="About the same")).to_be_checked()


def test_help_opens_and_closes_by_key(person):
    page = person("graded").arrive()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("?")

    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.get_by_role("radio", checked=True).count() == 0


def test_names_are_those_that_others_rely_on(person):
    page = person("names").arrive()

    overall = page.get_by_role("group", name="Which response is better: overall?", exact=True)
    degree = page.get_by_role("group", name="Which response is better: degree?", exact=True)

    for heading in ("Response A", "Response B"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(1)
    for button in ("Next", "Undo"):
        expect(page.get_by_role("button", name=button, exact=True)).to_have_count(1)
    for answer in ("A is better", "Tie", "Both are bad", "B is better"):
        expect(overall.get_by_role("radio", name=answer, exact=True)).to_have_count(1)
        expect(overall.get_by_label(answer, exact=True)).to_have_count(1)
    assert [radio.get_attribute("value") for radio in degree.get_by_role("radio").all()] == [
        *("A3", "A2", "A1", "tie0", "B1", "B2", "B3")
    ]
    assert page.get_by_role("radio", checked=True).count() == 0


def test_active_time_leaves_out_what_was_not_looked_at(person):
    one = person("time")
    began = time.monotonic()
    page = one.arrive()
    page.wait_for_timeout(1200)
    page.mouse.move(5, 5)
    page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.wait_for_timeout(4000)
    page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.keyboard.press("1")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")

    passed = 1000 * (time.monotonic() - began)

    active = dict(part.split("=") for part in sent.value.post_data.split("&"))["active_ms"]
    # Of all that passed, the four seconds away are not in it.
    assert 1000 < int(active) < passed - 3800


def test_active_time_leaves_out_what_nobody_stirred_in(person):
    one = person("idle")
    one.page.clock.install()
    page = one.arrive()
    page.mouse.move(5, 5)
    page.clock.run_for(600_000)
    page.keyboard.press("1")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")

    active = dict(part.split("=") for part in sent.value.post_data.split("&"))["active_ms"]
    # Of ten minutes the half minute counts after which somebody is taken to be away.
    assert 30_000 <= int(active) < 60_000


def test_a_reported_comparison_is_replaced_by_another(person, stored):
    one = person("report")
    page = one.arrive()
    before = page.locator(".pane").first.inner_text()

    page.get_by_text("Report a problem").click()
    page.get_by_role("radio", name="The text is offensive").check()
    page.get_by_label("Anything to add?").fill("No thanks 1 2 b")
    page.get_by_role("button", name="Report and skip").click()

    expect(page.get_by_text("Thank you for the report")).to_be_visible()
    assert page.locator(".pane").first.inner_text() != before
    assert stored("report")["judgments"] == 0


def test_the_completion_code_can_be_copied(person, site):
    one = person("copy")
    one.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page = one.arrive()
    one.answer("Tie")

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_text("Copied")).to_be_visible()
    code = page.locator("[data-code]").inner_text()
    assert len(code) == 8
    assert page.evaluate("navigator.clipboard.readText()") == code
