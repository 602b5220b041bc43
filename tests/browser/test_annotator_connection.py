"""Answers on their way: two tabs, two devices, a lost connection, a server that restarts."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.annotating import key, moved_on

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
TIE = [["overall", "both_bad"]]
STUDIES = {
    "tabs": {"comparisons": 3, "criteria": TIE},
    "back": {"comparisons": 3, "criteria": TIE},
    "double": {"comparisons": 3, "criteria": TIE},
    "offline": {"comparisons": 2, "criteria": TIE},
    "half_a_minute": {"comparisons": 2, "criteria": TIE},
    "closed_tab": {"comparisons": 2, "criteria": TIE},
    "lost_reply": {"comparisons": 2, "criteria": TIE},
    "restart": {"comparisons": 2, "criteria": TIE},
    "devices": {"comparisons": 3},
}


def test_two_tabs_show_one_comparison_and_count_one_answer(person, stored):
    one = person("tabs")
    first = one.arrive()
    second = one.tab()
    second.goto(one.address("compare/"))
    assert first.locator("input[name=assignment]").first.input_value() == (
        second.locator("input[name=assignment]").first.input_value()
    )

    one.answer("A is better", first)
    one.answer("B is better", second)

    expect(second.get_by_text("Your first answer is kept")).to_be_visible()
    assert stored("tabs")["choices"] == [["A", 1]]


def test_reload_and_the_back_button_lose_and_double_nothing(person, stored):
    one = person("back")
    page = one.arrive()
    one.answer("A is better")
    page.reload()
    page.go_back()
    page.go_forward()
    page.goto(one.address("compare/"))
    one.answer("B is better")

    page.go_back()
    page.goto(one.address())

    expect(page.get_by_text("3 of 3")).to_be_visible()
    assert stored("back")["choices"] == [["A", 1], ["B", 1]]


def test_a_double_click_counts_once(person, stored):
    one = person("double")
    page = one.arrive()
    shown = key(page)
    page.get_by_role("radio", name="Tie", exact=True).check()

    page.get_by_role("button", name="Next", exact=True).dblclick()
    moved_on(page, shown)

    expect(page.get_by_text("2 of 3")).to_be_visible()
    assert stored("double")["choices"] == [["tie", 1]]


def test_an_answer_given_without_a_connection_is_sent_when_it_returns(person, stored):
    one = person("offline")
    page = one.arrive()
    shown = key(page)
    one.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    page.wait_for_timeout(30_000)
    assert key(page) == shown

    one.context.set_offline(False)
    moved_on(page, shown)

    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert stored("offline")["choices"] == [["B", 1]]


def test_an_answer_survives_a_tab_closed_without_a_connection(person, stored):
    one = person("closed_tab")
    page = one.arrive()
    one.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    page.close()
    one.context.set_offline(False)

    one.page = one.tab()
    one.page.goto(one.address())

    expect(one.page.get_by_text("2 of 2")).to_be_visible(timeout=20_000)
    assert stored("closed_tab")["choices"] == [["A", 1]]


def test_an_answer_whose_receipt_is_lost_is_stored_once(person, stored):
    one = person("lost_reply")
    page = one.arrive()
    lost: list[str] = []

    def lose_the_first_reply(route: Route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.fetch().text())
        route.abort("connectionreset")

    page.route("**/compare/", lose_the_first_reply)
    one.press("1", "Enter")

    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert len(lost) == 1
    assert stored("lost_reply")["choices"] == [["A", 1]]


def test_an_answer_waits_for_a_server_that_restarts(person, stored, site):
    one = person("restart")
    page = one.arrive()
    shown = key(page)
    site.stop()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()

    site.start()
    moved_on(page, shown)

    assert stored("restart")["choices"] == [["A", 1]]


def test_another_device_shows_the_same_comparison_and_one_answer_counts(person, stored):
    first, second = person("devices"), person("devices")
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
    tally = stored("devices")
    assert (tally["judgments"], tally["annotators"]) == (1, 1)


def test_half_a_minute_without_a_connection_loses_nothing(person, stored):
    one = person("half_a_minute")
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
    assert stored("half_a_minute")["choices"] == [["B", 1]]
