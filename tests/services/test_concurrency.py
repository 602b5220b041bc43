"""Exactly k under real concurrency: threads over HTTP against gunicorn, on PostgreSQL and on SQLite."""

import http.client
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest

from tests import services_kit
from tests.site_kit import Site, running_site

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
CRITERIA = [["instruction", "both_bad"], ["message", "tie"]]
_FIELD = re.compile(r'name="(assignment|key|csrfmiddlewaretoken)" value="([^"]*)"')
_OPTION = re.compile(r'type="radio"[^>]*name="(choice-[a-z]+)" value="(\w+)"')


@dataclass
class Visitor:
    """One annotator's browser: a connection that is kept, cookies, redirects."""

    site: Site
    invite: str
    number: int
    cookies: dict[str, str] = field(default_factory=dict)
    judged: int = 0
    whims: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.site.url).netloc, timeout=60)

    def ask(self, method: str, path: str, data: dict[str, str] | None = None) -> tuple[str, str]:
        """Return where a request ended and what stood there; any refusal is an error."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, urlencode(data or {}) if data is not None else None, headers)
        response = self.connection.getresponse()
        body = response.read().decode()
        for name, value in response.getheaders():
            if name == "Set-Cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        if response.status in (301, 302):
            return self.ask("GET", response.headers["Location"])
        assert response.status == 200, f"{method} {path}: {response.status} {body[:300]}"
        return path, body

    def take_part(self, start: threading.Barrier) -> None:
        """Go from the link to the completion code as fast as the site answers."""
        start.wait()
        with closing(self.connection):
            path, body = self.ask("GET", f"/s/{self.invite}/")
            while "/thanks/" not in path and "Nothing left" not in body:
                path, body = self.step(path, body)

    def step(self, path: str, body: str) -> tuple[str, str]:
        fields = dict(_FIELD.findall(body)[:3])
        if path.endswith("/consent/"):
            return self.ask("POST", path, fields | {"agree": "on"})
        if "/resume/" in body:
            return self.ask("POST", path.replace("compare", "resume"), fields)
        if path.endswith("/instructions/"):
            return self.ask("POST", path, fields)
        if self.judged == self.number % 4 + 1 and "undone" not in self.whims:
            return self.take_back(path, body)
        if self.judged == self.number % 3 and "reported" not in self.whims:
            return self.report(path, fields)
        answers = dict(_OPTION.findall(body))  # the last one offered: B is better
        self.judged += 1
        if self.judged % 5 == 0:  # an impatient double click: the same form twice
            self.ask("POST", path, fields | answers)
        return self.ask("POST", path, fields | answers)

    def take_back(self, path: str, body: str) -> tuple[str, str]:
        """Press Undo, twice: the second press must not take back another answer."""
        self.whims.add("undone")
        self.judged -= 1
        fields = dict(_FIELD.findall(body[body.index('<form id="undo"') :])[:2])
        undo = path.replace("compare", "undo")
        self.ask("POST", undo, fields)
        return self.ask("POST", undo, fields)

    def report(self, path: str, fields: dict[str, str]) -> tuple[str, str]:
        """Give the comparison back."""
        self.whims.add("reported")
        return self.ask("POST", path.replace("compare", "skip"), fields | {"reason": "broken"})


def crowd(site: Site, invite: str, people: int) -> list[Visitor]:
    """Let ``people`` judge at once; return them, with what each believes to have done."""
    start = threading.Barrier(people)
    visitors = [Visitor(site, invite, number) for number in range(people)]
    with ThreadPoolExecutor(people) as pool:
        list(pool.map(lambda visitor: visitor.take_part(start), visitors))
    return visitors


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site on the database that the test names."""
    if request.param == "sqlite":
        with running_site() as started:
            yield started
    else:
        server = request.getfixturevalue("postgres_url")
        with services_kit.database(server) as url, running_site({"DATABASE_URL": url}) as started:
            yield started


@pytest.mark.parametrize(("site", "people"), [("postgresql", 20), ("sqlite", 8)], indirect=["site"])
def test_a_crowd_fills_every_comparison_exactly_k_times(site, people):
    study = site.seed(
        "tests.site_seed:open_study", comparisons=60, overlap=3, quota=60, words=150, criteria=CRITERIA
    )

    visitors = crowd(site, study["invite"], people)
    # Whoever a busy machine let in last may have found too little left for every whim.
    whims = Counter(whim for visitor in visitors for whim in visitor.whims)

    tally = site.seed("tests.site_seed:tally", slug=study["slug"])
    assert tally["per_criterion"] == [["instruction", 180], ["message", 180]]
    assert tally["per_comparison"] == [3] * 60
    assert tally["annotator_twice_on_one"] == 0
    assert tally["held"] == 0
    assert (tally["undone"], tally["given_back"]) == (whims["undone"], whims["reported"])
    assert min(whims["undone"], whims["reported"]) > people / 2
    assert sum(visitor.judged for visitor in visitors) == 180
    assert tally["annotators"] == tally["pseudonyms"] == people
