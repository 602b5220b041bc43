"""A real Chromium for the browser tests, and the site that the annotator's modules share."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.annotating import Annotating
from tests.site_kit import Site, running_site

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Playwright's event loop runs for as long as the browser lives, and no other can in this thread: a browser
# that outlived its tests would break every later one that runs a loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the one at CHROMIUM_PATH or on the PATH, else Playwright's own."""
    # Five seconds, its own limit, are too few where the machine has much else to do.
    expect.set_options(timeout=30_000)
    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """One site for all modules that need no other."""
    with running_site({"EVENHAND_FRAME_HOSTS": "localhost:*"}) as started:
        yield started


@pytest.fixture(scope="module")
def studies(request: pytest.FixtureRequest, site: Site) -> dict[str, dict[str, Any]]:
    """The open studies that the module names in its `STUDIES`."""
    made: dict[str, dict[str, Any]] = site.seed("tests.site_seed:open_studies", **request.module.STUDIES)
    return made


@pytest.fixture
def person(chromium: Browser, site: Site, studies: dict[str, Any]) -> Iterator[Callable[..., Annotating]]:
    """Make people with browsers of their own, and check at the end that no script of theirs failed."""
    people: list[Annotating] = []

    def make(study: str, **context: object) -> Annotating:
        people.append(Annotating(chromium, site, studies[study]["invite"], **context))
        return people[-1]

    yield make
    trouble = [line for one in people for line in one.trouble]
    for one in people:
        one.context.close()
    assert trouble == []


@pytest.fixture
def stored(site: Site, studies: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Return what the tables hold of a study."""
    return lambda study: site.seed("tests.site_seed:tally", slug=studies[study]["slug"])
