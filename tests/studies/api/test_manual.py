"""The manual's table of the dashboard's pages and buttons against both lists of addresses."""

import re
from pathlib import Path

from studies.api.document import document
from studies.views.dashboard_urls import dashboard_patterns

MANUAL = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
WORDS = {"pk": "N", "number": "N"}


def column(cells, number):
    """What stands between backticks in a column of the tables."""
    rows = [row.split("|")[1:-1] for row in cells.splitlines() if row.startswith("|")]
    return {told for row in rows if len(row) > number for told in re.findall(r"`([^`]+)`", row[number])}


def tables():
    part = MANUAL[MANUAL.index("## Where each page") :]
    return part.partition("Not in the API, and why:")[::2]


def test_every_page_of_the_dashboard_has_its_call_or_a_reason():
    there, not_there = tables()
    pages = {
        "/" + re.sub(r"<\w+:(\w+)>", lambda found: WORDS.get(found[1], found[1].upper()), str(one.pattern))
        for one in dashboard_patterns
    }

    told = {address for address in column(there, 0) | column(not_there, 0) if address.startswith("/")}

    assert told == pages


def test_every_call_is_told_beside_its_page():
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document()["paths"].items()
        for method in methods
    }

    told = {call.replace("…", "/studies/SLUG") for call in column(tables()[0], 2)}

    assert told == {re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), call) for call in calls}
