"""A browser without a screen: cookies, pages, forms. It sees what an annotator's browser sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

from studies.domain.errors import StudyError

_TIMEOUT = 30


@dataclass(slots=True)
class Form:
    """A form of a page: its fields with their preset values, and what its radios and boxes offer."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    radios: dict[str, list[str]] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    url: str
    text: str
    forms: list[Form]

    def form_with(self, name: str) -> Form | None:
        """Return the first form that has a field called ``name``."""
        for form in self.forms:
            if name in form.values or name in form.radios or name in form.boxes:
                return form
        return None


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(action=given.get("action", "")))
            self._inside = True
        elif self._inside and given.get("name"):
            self._field(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name, value = self.forms[-1], given["name"], given.get("value", "")
        kind = given.get("type", "text") if tag == "input" else tag
        if kind == "radio":
            form.radios.setdefault(name, []).append(value)
        elif kind == "checkbox":
            form.boxes[name] = value or "on"
        elif tag == "button":
            form.buttons.append((name, value))
        elif tag in {"input", "textarea"}:
            form.values[name] = value


class Browser:
    """One annotator's browser."""

    def __init__(self) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, url: str) -> Page:
        """Open an address."""
        return self._open(Request(_http(url)))  # noqa: S310 - checked by _http

    def submit(self, page: Page, form: Form, values: dict[str, str]) -> Page:
        """Send a form with ``values`` over its preset ones."""
        data = urlencode(form.values | values).encode()
        target = urljoin(page.url, form.action)
        return self._open(Request(_http(target), data=data, headers={"Referer": page.url}))  # noqa: S310 - as above

    def _open(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                text = answer.read().decode()
                url = answer.geturl()
        except HTTPError as error:
            raise StudyError(f"The site answered {error.code} to {request.full_url}.") from error
        except URLError as error:
            raise StudyError(
                f"No site answers at {request.full_url} ({error.reason}); start it with “make run”, or "
                "name its address with --url."
            ) from error
        reader = _Forms()
        reader.feed(text)
        return Page(url, text, reader.forms)


def _http(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise StudyError(f"“{url}” is not the address of a site; it starts with http:// or https://.")
    return url
