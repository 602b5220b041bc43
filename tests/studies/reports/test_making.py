"""Stored reports: made once, told as they grow, the same bytes whenever they are made again."""

import io
import json
from hashlib import sha256
from zipfile import ZipFile

import pytest

from generation.runs import Stopped
from studies.domain.reporting import file_of
from studies.models import Study
from studies.reports import making
from studies.reports.errors import ReportError
from studies.reports.export import judgments_bytes
from studies.reports.making import differing, make_report, regenerate, report_now
from studies.reports.render import BODY, FORMATS
from tests.factories import reported
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return judged_study(annotators=4, comparisons=4)


def test_a_stored_report_comes_out_byte_for_byte_when_all_else_has_changed(study):
    report = report_now(study=study, actor="ada")
    before = judgments_bytes(study)
    exclude(study)
    Study.objects.filter(pk=study.pk).update(description="Another word for colleagues.")

    made = regenerate(report)

    assert {file.name for file in report.files.all()} == {*FORMATS, BODY, making.FACTS}
    assert sorted(made) == sorted((*FORMATS, BODY))
    for fmt, body in made.items():
        assert body == file_of(report, fmt), fmt
    assert json.loads(made["json"])["report"] == 1
    assert f"Report 1 of the study {study.slug}" in made["html"].decode()
    assert (report.judgments, report.judgments_hash) == (32, sha256(before).hexdigest())
    with ZipFile(io.BytesIO(made["zip"])) as archive:
        assert archive.read(f"{study.slug}/judgments.csv") == before


def test_what_differs_is_named(study, monkeypatch):
    report = reported(study, json="{}", html="<p>")
    monkeypatch.setattr(making, "regenerate", lambda _report: {"json": b"{}", "html": b"<b>", "body": b""})

    assert differing(report) == ["body", "html"]


def test_steps_are_told_in_order(study, monkeypatch):
    told = []

    monkeypatch.setattr(making, "FORMATS", {"json": None, "md": None})

    making._made(study.reports.get(), lambda stage, percent: told.append((percent, stage)))

    assert [percent for percent, _ in told] == sorted(percent for percent, _ in told)
    assert told[0] == (1, "Reading judgments: 0 of 32")
    assert {stage for _, stage in told} >= {"Computing", "Drawing the pictures", "Writing report.json"}


def test_a_worker_that_is_asked_to_stop_gives_the_report_back(study):
    def stop():
        raise Stopped

    make_report(study.reports.get().pk, check=stop)

    report = study.reports.get()
    assert (report.state, report.attempts) == ("queued", 0)


def test_what_goes_wrong_is_said_on_the_report(study, monkeypatch):
    def fail(*_):
        raise MemoryError("8 GiB wanted")

    monkeypatch.setattr(making, "summarize", fail)

    with pytest.raises(ReportError, match="Report 1 could not be made: MemoryError: 8 GiB wanted"):
        report_now(study=study, actor="ada")

    assert study.reports.get().state == "failed"


def test_a_report_that_is_not_done_cannot_be_compared(study):
    with pytest.raises(ReportError, match="Report 1 is not done"):
        regenerate(study.reports.get())
