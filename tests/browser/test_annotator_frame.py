"""A link inside the frame of a recruiting site such as MTurk, where browsers keep no cookie."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.annotating import Annotating
from tests.browser.test_annotator_access import complaints

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
STUDIES = {"framed": {"comparisons": 1, "overlap": 2}}
TASK = {"assignmentId": "3XYZ", "workerId": "A1", "turkSubmitTo": "https://workersandbox.mturk.com"}


@pytest.fixture
def task(chromium: Browser, site, studies) -> Iterator[Annotating]:
    one = Annotating(chromium, site, studies["framed"]["invite"])
    yield one
    one.context.close()


@pytest.fixture
def port(task: Annotating) -> Iterator[int]:
    """Show the link in a frame of another site, whose port this is."""
    shown = f'<iframe src="{task.address("?" + urlencode(TASK))}" width="800" height="600"></iframe>'

    class Recruiting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(shown.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Recruiting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_frame_opens_the_study_in_a_tab_and_takes_its_code(task: Annotating, port):
    page = task.page
    handed_in: list[str] = []

    def take(route) -> None:
        handed_in.append(route.request.post_data)
        route.fulfill(body="Thank you, worker.", content_type="text/html")

    task.context.route("https://workersandbox.mturk.com/mturk/externalSubmit", take)
    page.goto(f"http://localhost:{port}/")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="When you are done")).to_be_visible()
    assert complaints(page.frames[1]) == []
    with task.context.expect_page() as opened:
        frame.get_by_role("link", name="Open the study").click()
    task.page = opened.value
    task.page.get_by_role("checkbox").check()
    task.page.get_by_role("button", name="Continue").click()
    task.page.get_by_role("button", name="Start comparing").click()
    task.answer()
    code = task.page.locator("[data-code]").inner_text()

    frame.get_by_label("Your completion code").fill(code)
    frame.get_by_role("button", name="Hand in").click()

    expect(frame.get_by_text("Thank you, worker.")).to_be_visible()
    assert parse_qs(handed_in[0]) == {"assignmentId": ["3XYZ"], "completionCode": [code]}
    expect(task.page.get_by_role("button", name="Hand in at the site you came from")).to_be_visible()


def test_a_strangers_frame_shows_nothing(task: Annotating, port):
    task.page.goto(f"http://127.0.0.1:{port}/")

    task.page.wait_for_function("() => frames.length === 1")
    expect(task.page.frame_locator("iframe").get_by_role("link", name="Open the study")).to_have_count(0)
    assert [frame.url.split(":")[0] for frame in task.page.frames[1:]] == ["chrome-error"]
