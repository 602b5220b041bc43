"""The whole journey in a real browser, with the real model: from a study file to a report."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.working import worker
from tests.site_kit import Site, running_site

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(600)]

PASSWORD = "correct horse battery"
# Few rows, so that a step is short and the site and the browser get their share of the machine.
SETTINGS = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "EVENHAND_ROWS": "12"}
PROMPTS = 3
OVERLAP = 2
STUDY = """\
evenhand: 1
study: small-talk
title: Small talk
instructions: Read both responses, then answer both questions.
consent: You may stop at any time.
seed: 4
overlap: 2
quota: 10
min_exposure_ms: 0
criteria:
  - name: instruction
    question: Which response follows the instruction better?
    primary: true
  - name: message
    question: Which response answers the message better?
arms:
  - name: standard
    baseline: true
    checkpoint: smollm2-135m-instruct
    temperature: 0.7
    max_new_tokens: 16
  - name: guided
    checkpoint: smollm2-135m-instruct
    guidance_scale: 1.5
    negative: default_system
    temperature: 0.7
    max_new_tokens: 16
prompts:
  - id: ocean
    system: Write as if you were a pirate.
    user: Tell me about the ocean.
  - id: bread
    system: Answer in the style of a royal proclamation.
    user: How is bread made?
  - id: rain
    system: Answer as a grumpy old sailor.
    user: Why does it rain?
"""


def long_study() -> str:
    """Return a study that keeps a worker busy for minutes: many prompts, long responses."""
    parts, _, _ = (
        STUDY.replace("small-talk", "long-talk").replace("Small talk", "Long talk").partition("prompts:")
    )
    prompts = "".join(
        f"  - {{id: p{number}, system: Write a long story., user: Tell story {number}.}}\n"
        for number in range(30)
    )
    return f"{parts}prompts:\n{prompts}".replace("max_new_tokens: 16", "max_new_tokens: 2000")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(SETTINGS) as started, worker(started):
        started.manage("createsuperuser", "--no-input", "--username", "ada", "--email", "ada@example.org")
        yield started


def log_in(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def import_study(page: Page, folder: Path, study: str = STUDY) -> None:
    path = folder / "study.yaml"
    path.write_text(study)
    page.get_by_role("link", name="New study").first.click()
    page.get_by_role("link", name="import a study file").click()
    page.get_by_label("Study file").set_input_files(path)
    page.get_by_role("button", name="Import study").click()
    expect(page.get_by_role("heading", name=re.compile("(Small|Long) talk"))).to_be_visible()


def move(page: Page, verb: str) -> None:
    """Press a study's action and confirm what it will do."""
    page.get_by_role("link", name=re.compile(f"^{verb}", re.IGNORECASE)).first.click()
    page.get_by_role("button", name=re.compile(f"^{verb}", re.IGNORECASE)).click()


def judge_by_keyboard(page: Page, url: str, keys: tuple[str, str]) -> int:
    """Take part without a mouse; press one key for each criterion. Return how many were judged."""
    page.goto(url)
    tab_to(page, "checkbox")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("instructions"))
    tab_to(page, "submit")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Response A").wait_for()
    judged = 0
    while page.locator("input[name=key]").count():
        before = page.locator("input[name=key]").input_value()
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        page.wait_for_function("key => document.querySelector('input[name=key]')?.value !== key", arg=before)
        page.wait_for_load_state()
        judged += 1
    return judged


def tab_to(page: Page, kind: str) -> None:
    """Press Tab until a field or button of that type has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == kind:
            return
    message = f"no {kind} is reached by the Tab key on {page.url}"
    raise AssertionError(message)


def test_from_study_file_to_report(chromium: Browser, site: Site, tmp_path: Path):
    researcher = chromium.new_context().new_page()
    log_in(researcher, site)
    import_study(researcher, tmp_path)

    move(researcher, "Start generating")
    expect(researcher.get_by_text("Ready to open").first).to_be_visible(timeout=240_000)
    move(researcher, "Open study")
    link = site.manage("study", "link", "small-talk").strip()
    assert link in researcher.content()

    # The first always prefers A on both criteria, the second B and a tie.
    judged = [
        judge_by_keyboard(chromium.new_context().new_page(), link, keys) for keys in (("1", "1"), ("2", "0"))
    ]
    assert judged == [PROMPTS, PROMPTS]
    status = json.loads(site.manage("study", "status", "small-talk", "--json"))
    assert status["slots"] == {"planned": 6, "leased": 0, "filled": PROMPTS * OVERLAP}
    assert status["judgments"] == PROMPTS * OVERLAP * 2

    researcher.goto(f"{site.url}/studies/small-talk/")
    move(researcher, "Close study")
    researcher.goto(f"{site.url}/studies/small-talk/report/")
    # The worker that wrote the completions makes the report; the page waits for it by itself.
    expect(researcher.get_by_role("link", name="Download the report")).to_be_visible(timeout=120_000)

    report = tmp_path / "report.json"
    site.manage("study", "report", "small-talk", "--format", "json", "--out", str(report))
    numbers = json.loads(report.read_text())
    expected = outcomes(site, tmp_path)
    page = researcher.inner_text("main")
    for criterion, counts in expected.items():
        found = result(numbers, criterion)
        assert {name: found[name] for name in counts} == counts
        assert re.search(rf"{counts['wins']}\D+{counts['ties']}\D+{counts['losses']}", page)


def test_pause_and_cancel_take_effect_within_a_few_seconds(chromium: Browser, site: Site, tmp_path: Path):
    page = chromium.new_context().new_page()
    page.set_default_timeout(120_000)
    log_in(page, site)
    import_study(page, tmp_path, long_study())
    state = page.get_by_role("list", name="Workers").locator(".badge")
    move(page, "Start generating")
    expect(state).to_contain_text("Writing", timeout=240_000)

    paused = seconds_until_the_worker_rests(page, site, "Pause generation")
    expect(page.get_by_text("Generation is paused").first).to_be_visible()
    expect(state).to_contain_text("Idle")
    move(page, "Resume generation")
    expect(state).to_contain_text("Writing", timeout=240_000)
    cancelled = seconds_until_the_worker_rests(page, site, "Cancel generation", answer="Delete them")

    expect(page.get_by_role("link", name="Start generating").first).to_be_visible()
    # The request, a sign of life every two seconds, the step under way; the rest is for a busy machine.
    assert max(paused, cancelled) < 30


def seconds_until_the_worker_rests(page: Page, site: Site, verb: str, *, answer: str = "") -> float:
    """Press an action, confirm it, and return how long the worker goes on writing."""
    page.get_by_role("link", name=verb).first.click()
    if answer:
        page.get_by_label(answer).check()
    began = time.monotonic()
    page.get_by_role("button", name=verb).click()
    with closing(sqlite3.connect(f"file:{site.data / 'evenhand.sqlite3'}?mode=ro", uri=True)) as database:
        while database.execute("SELECT state FROM generation_worker").fetchall() != [("idle",)]:
            assert time.monotonic() - began < 120
            time.sleep(0.05)
    return time.monotonic() - began


def outcomes(site: Site, folder: Path) -> dict[str, dict[str, int]]:
    """Count outcomes from the rows of the CSV, by what each annotator is known to have pressed."""
    path = folder / "judgments.csv"
    site.manage("study", "judgments", "small-talk", "--out", str(path))
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    table = [dict(zip(header, row, strict=True)) for row in rows]
    pressed = {"annotator-0001": {"instruction": "A", "message": "A"}}
    pressed["annotator-0002"] = {"instruction": "B", "message": "tie"}
    counts = {name: {"n": 0, "wins": 0, "ties": 0, "losses": 0} for name in ("instruction", "message")}
    for row in table:
        choice = pressed[row["annotator"]][row["criterion"]]
        assert row["choice"] == choice
        outcome = "ties" if choice == "tie" else "wins" if choice == row["candidate_slot"] else "losses"
        counts[row["criterion"]][outcome] += 1
        counts[row["criterion"]]["n"] += 1
    assert counts["message"]["ties"] == PROMPTS
    return counts


def result(numbers: dict, criterion: str) -> dict:
    """Find a criterion's numbers in the report's JSON."""
    return numbers["criteria"][criterion]
