"""The log's pages and files."""

import csv
import io
import json

import pytest

from studies.domain.audit import record_event
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = factories.open_study(comparisons=1, slug="kind")
    record_event(actor="=ada()", action="study.paused", study=study, after={"reason": "Ä break"})
    return study


def rows(response):
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_the_log_is_filtered_by_who_what_and_when(dashboard, study):
    def shown(query):
        return [event.action for event, _ in dashboard.get(f"/studies/kind/log/?{query}").context["rows"]]

    assert shown("actor=%3Dada()") == ["study.paused"]
    assert shown("action=study.opened") == ["study.opened"]
    assert shown("until=2001-01-01") == []
    assert len(shown("since=2001-01-01")) == study.events.count()


def test_a_day_that_is_none_is_told_beside_its_field(dashboard, study):
    answer = dashboard.get("/studies/kind/log/?since=yesterday")

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["since"]


def test_the_csv_is_the_log_in_order_and_safe_from_formulas(dashboard, study):
    sent = rows(dashboard.get("/studies/kind/log.csv"))

    assert [int(row["id"]) for row in sent] == sorted(study.events.values_list("id", flat=True))
    assert sent[-1]["actor"] == "'=ada()"
    assert json.loads(sent[-1]["after"]) == {"reason": "Ä break"}


def test_json_lines_have_every_hash(dashboard, study):
    body = b"".join(dashboard.get("/log.jsonl").streaming_content).decode()

    sent = [json.loads(line) for line in body.splitlines()]

    assert [row["previous_hash"] for row in sent][1:] == [row["hash"] for row in sent][:-1]


def test_what_would_unblind_is_withheld_until_closing(dashboard):
    details = {"completions": [{"noise": {"stream": "canary-arm"}}]}
    pages = {}
    for study in (factories.open_study(comparisons=1), factories.closed_study(comparisons=1)):
        record_event(actor="ada", action="completion.redrawn", study=study, before=details, after=details)
        pages[study.status] = [
            dashboard.get(f"/studies/{study.slug}/log/").content.decode(),
            b"".join(dashboard.get(f"/studies/{study.slug}/log.csv").streaming_content).decode(),
        ]

    assert ["canary-arm" in page for page in pages["open"]] == [False, False]
    assert ["canary-arm" in page for page in pages["closed"]] == [True, True]


def test_downloads_of_what_is_unblinded_are_events(dashboard):
    study = factories.closed_study(comparisons=1)

    b"".join(dashboard.get(f"/studies/{study.slug}/judgments.csv").streaming_content)
    dashboard.head(f"/studies/{study.slug}/judgments.csv")

    taken = study.events.filter(action="file.downloaded")
    assert [(event.actor, event.after) for event in taken] == [("ada", {"file": "judgments.csv"})]
