"""An annotator's browser for benchmarks: a kept connection, cookies, forms, no JavaScript."""

import http.client
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

_FIELD = re.compile(r'name="(assignment|key|csrfmiddlewaretoken)" value="([^"]*)"')
_OPTION = re.compile(r'type="radio"[^>]*name="(choice-[a-z]+)" value="(\w+)"')
_RETRY_SECONDS = 0.2
_PATIENCE_SECONDS = 60


@dataclass
class Browser:
    """One annotator. Nothing is read of a page but what a form needs."""

    url: str
    path: str
    body: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    refusals: int = 0
    """Answers that the site was too busy or too dead to give at the first try."""
    _connection: http.client.HTTPConnection | None = None

    def open(self, think: Callable[[], None] = lambda: None) -> None:
        """Follow the link, agree, read the instructions: up to the first comparison."""
        self._ask("GET", self.path)
        while self.path.endswith(("/consent/", "/instructions/")):
            think()
            self._ask("POST", self.path, self._fields() | {"agree": "on"})

    @property
    def comparison(self) -> bool:
        """Whether a comparison is on the screen, a pause behind one."""
        if "/resume/" in self.body:
            self._ask("POST", self.path.replace("compare", "resume"), self._fields())
        return 'id="answer"' in self.body

    def answer(self, choose: Callable[[list[str]], str]) -> str:
        """Send the form on the screen and show what comes next; return the key it was sent under.

        A connection that breaks is opened anew and the same form sent again, as the page does.
        """
        fields, offered = self._fields(), {}
        for name, value in _OPTION.findall(self.body):
            offered.setdefault(name, []).append(value)
        chosen = {name: choose(values) for name, values in offered.items()}
        self._ask("POST", self.path, fields | chosen | {"active_ms": "2000"})
        return fields["key"]

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        for name, value in _FIELD.findall(self.body):
            fields.setdefault(name, value)
        return fields

    def _ask(self, method: str, path: str, data: dict[str, str] | None = None) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                status, location, body = self._once(method, path, data)
            except (OSError, http.client.HTTPException):
                self.close()
                status, location, body = 503, "", "no connection"
            if status < 500:
                break
            self.refusals += 1
            if time.monotonic() > deadline:
                raise RuntimeError(f"{method} {path}: {status} {body[:200]}")
            time.sleep(_RETRY_SECONDS)
        if status in (301, 302):
            self._ask("GET", location)
        elif status == 200:
            self.path, self.body = path, body
        else:
            raise RuntimeError(f"{method} {path}: {status} {body[:200]}")

    def _once(self, method: str, path: str, data: dict[str, str] | None) -> tuple[int, str, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, None if data is None else urlencode(data), headers)
        response = self._connection.getresponse()
        body = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, response.headers.get("Location", ""), body
