"""One computation, many faces: they agree to the last digit, and none opens too early."""

import csv
import io
import json
import re
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from django.core.management import call_command
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from studies.domain import lifecycle
from studies.models import Prompt
from studies.reports.errors import ReportError
from studies.reports.export import judgments_bytes
from studies.reports.render import FORMATS, Drawn, ensure_reportable, render
from studies.reports.summary import summarize
from tests.factories import AnnotatorFactory, draft_study, judge, open_study, ready_study
from tests.studies.reports.kit import exclude, judged_study, planned_study

pytestmark = pytest.mark.django_db
TEXTS = ("html", "json", "csv", "md", "tex")


class Page(HTMLParser):
    """Collects what a program can read from a page: values, texts, addresses, pictures."""

    def __init__(self, html):
        super().__init__()
        self.values, self.addresses, self.pictures, self.tags = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "data":
            self.values.append(attributes["value"])
        if tag == "img":
            self.pictures.append(attributes)
        self.addresses += [attributes[name] for name in ("href", "src", "srcset") if name in attributes]


def numbers(data):
    """Return every number in plain data, however deep."""
    if isinstance(data, dict):
        return [number for value in data.values() for number in numbers(value)]
    if isinstance(data, list):
        return [number for value in data for number in numbers(value)]
    return [data] if isinstance(data, int | float) and not isinstance(data, bool) else []


@pytest.fixture
def study(usual, db):
    return usual


@pytest.fixture(scope="module")
def again(usual):
    """The usual study's report once more, from its rows."""
    return Drawn(summarize(usual))


@pytest.fixture(scope="module")
def report(drawn):
    return json.loads(drawn.file("json"))


@pytest.mark.parametrize("make", [draft_study, ready_study, open_study])
def test_a_study_that_is_not_closed_has_no_report(make):
    study = make()

    with pytest.raises(ReportError, match="its report can be read when it is closed"):
        ensure_reportable(study)
    with pytest.raises(ReportError):
        render(study, "json")


def test_an_unknown_format_names_those_that_exist(study):
    with pytest.raises(
        ReportError,
        match="no report format “docx”; there are: html, pdf, json, csv, md, tex, codebook, preregistration, "
        "datasheet, recompute, zip",
    ):
        render(study, "docx")


@pytest.mark.parametrize("fmt", FORMATS)
def test_rendering_twice_gives_the_same_bytes(drawn, again, fmt):
    assert drawn.file(fmt) == again.file(fmt)


def test_json_is_what_analyze_prints_of_the_judgments_file(study, report, tmp_path, capsys):
    path = tmp_path / "judgments.csv"
    path.write_bytes(judgments_bytes(study))

    call_command("analyze", str(path), "--json", "--seed", str(study.seed))

    printed = json.loads(capsys.readouterr().out)
    assert printed == {name: report[name] for name in printed}
    assert report["headline"] == printed["sentence"]


def test_every_number_of_the_page_is_a_number_of_the_json(drawn, report):
    page = Page(drawn.file("html").decode())

    known = {repr(number) for number in numbers(report)}

    assert len(page.values) > 80
    assert [value for value in page.values if value not in known] == []
    assert repr(report["win_rate"]) in page.values
    assert repr(report["criteria"]["answers"]["ci_low"]) in page.values


def test_csv_and_json_agree_to_the_last_digit(drawn, report):
    rows = list(csv.DictReader(io.StringIO(drawn.file("csv").decode(), newline="")))

    assert [row["criterion"] for row in rows] == ["follows", "answers"]
    for row in rows:
        expected = report["criteria"][row["criterion"]]
        assert float(row["win_rate"]) == expected["win_rate"]
        assert float(row["ci_high"]) == expected["ci_high"]
        assert float(row["se_parts.two_way"]) == expected["se_parts"]["two_way"]
        assert int(row["wins"]) == expected["wins"]


def test_a_plan_that_asks_for_everything_has_every_face():
    drawn = Drawn(summarize(planned_study()))

    made = {fmt: drawn.file(fmt) for fmt in FORMATS}

    row = next(csv.DictReader(io.StringIO(made["csv"].decode(), newline="")))
    first = json.loads(made["json"])["criteria"]["follows"]["steps"][0]
    assert row["steps.1.claim"] == first["claim"] == "superiority"
    assert float(row["steps.1.p_corrected"]) == first["p_corrected"]


def test_the_page_stands_alone(drawn):
    html = drawn.file("html").decode()
    page = Page(html)

    outside = [address for address in page.addresses if not address.startswith("data:image/svg+xml;base64,")]
    assert outside == []
    assert "@import" not in html
    assert "url(" not in html
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    assert html.count("</style>") == 1
    assert all(picture["alt"] for picture in page.pictures)


def test_the_body_obeys_the_sites_policy(drawn):

    body = render_to_string("reports/body.html", {"report": drawn.view, "downloads": [("JSON", "/x.json")]})

    page = Page(body)
    assert not {tag for tag, _ in page.tags} & {"script", "style"}
    assert [attributes for _, attributes in page.tags if "style" in attributes] == []
    assert "/x.json" in page.addresses


def test_the_report_says_what_was_planned_done_and_left_out(study, report):
    assert report["flow"]["judgments"] == 80
    assert report["flow"]["judgments_excluded"] == 10
    assert report["flow"]["judgments_analysed"] == 70
    assert report["flow"]["assignments_filled"] == report["flow"]["assignments_planned"] == 40
    assert report["flow"]["annotators_excluded"] == 1
    assert report["integrity"]["plan_hash"] == study.plan_hash
    assert report["integrity"]["exclusions"][0]["reason"] == "Below two seconds."
    assert [arm["decoding"]["guidance_scale"] for arm in report["design"]["arms"]] == [1, 1.5]
    assert report["robustness"][0]["planned"]
    assert [row["n"] for row in report["robustness"] if row["ties_rule"] == "half"].count(40) >= 1
    assert {row["exclusions"] for row in report["robustness"]} == {True, False}


def test_deviations_from_the_plan_are_listed_without_being_asked(study, drawn, report):
    short = open_study(comparisons=4)
    judge(short, annotator=AnnotatorFactory(study=short))
    short = lifecycle.close_study(study=short, actor="tests")
    planned = short.assignments.count()
    unfilled = short.assignments.filter(submitted_at=None).count()

    assert report["integrity"]["deviations"] == [
        "10 judgments are excluded by rule; the rows of robustness show the result with them.",
        "The exclusion rule too-fast was applied (1), which the plan does not have.",
        f"1 exclusion was made after the study was closed on {study.closed_at:%Y-%m-%d}, when results "
        "could be read.",
    ]
    assert json.loads(render(short, "json"))["integrity"]["deviations"] == [
        f"{unfilled} of {planned} planned assignments were not filled, so some comparisons "
        "have fewer than 2 judgments."
    ]
    assert "Deviations from the frozen plan" in drawn.file("html").decode()


def test_the_data_hash_is_that_of_the_judgments_file(study, report):
    assert report["integrity"]["data_sha256"] == sha256(judgments_bytes(study)).hexdigest()


def test_the_studys_tie_rule_is_kept():
    report = json.loads(render(judged_study(tie_rule="drop"), "json"))

    assert report["ties_rule"] == "drop"
    assert report["n"] == report["wins"] + report["losses"]


def test_several_candidates_are_each_compared_with_the_baseline():
    drawn = Drawn(summarize(planned_study(arms=("standard", "mild", "strong"))))

    report = json.loads(drawn.file("json"))
    html = drawn.file("html").decode()

    assert [pair["candidate"] for pair in report["pairs"]] == ["mild", "strong"]
    assert "mild against standard" in html
    assert "strong against standard" in html
    assert len(Page(html).pictures) >= 5
    # With every picture four times, as base64, it was 750 kB.
    assert len(html.encode()) < 400_000


def test_simulated_is_written_on_every_face(simulated, drawn_simulated):
    for fmt in ("html", "json", "md", "tex"):
        assert "SIMULATED" in drawn_simulated.file(fmt).decode()
    assert drawn_simulated.file("csv").decode().splitlines()[1].startswith(f"{simulated.slug},1,")
    drawn = [picture for section in drawn_simulated.view["sections"] for picture in section.pictures]
    assert drawn
    assert all(b"SIMULATED" in scheme for picture in drawn for scheme in picture.looks.values())


def test_a_real_study_is_not_called_simulated(drawn):
    for fmt in TEXTS:
        assert "SIMULATED" not in re.sub(r"<style>.*</style>", "", drawn.file(fmt).decode(), flags=re.DOTALL)


@pytest.mark.parametrize("fmt", TEXTS)
def test_a_closed_study_without_judgments_says_so(fmt):

    study = lifecycle.close_study(study=open_study(), actor="tests")

    text = render(study, fmt).decode()

    assert fmt == "csv" or "This study was closed without a single judgment." in text


def test_a_study_whose_judgments_are_all_excluded_still_reports():
    study = judged_study(annotators=4)
    for annotator in study.annotators.all():
        exclude(study, annotator.pseudonym)

    drawn = Drawn(summarize(study))
    report, html = json.loads(drawn.file("json")), drawn.file("html").decode()

    assert (report["n"], report["win_rate"], report["decision"]) == (0, None, "not tested")
    assert "There are no judgments to analyse." in html


def test_names_of_prompts_and_arms_are_escaped_everywhere():
    study = ready_study(arms=("standard", "<b>_50%_&"), criteria=(("overall", "tie"),), title="<i>A & B</i>")

    study = lifecycle.open_study(study=study, actor="tests")
    for _ in range(2):
        judge(study, annotator=AnnotatorFactory(study=study))
    study = lifecycle.close_study(study=study, actor="tests")

    drawn = Drawn(summarize(study))
    html, tex, markdown = (drawn.file(fmt).decode() for fmt in ("html", "tex", "md"))

    assert "<b>_50" not in html
    assert "&lt;b&gt;_50%_&amp;" in html
    assert r"$<$b$>$\_50\%\_\&" in tex
    assert r"\<b\>\_50%\_&" in markdown


def test_formulas_in_names_are_neutralised_in_the_judgments_file():
    study = ready_study()
    Prompt.objects.filter(study=study, name="prompt-0").update(name="=1+1")

    study = lifecycle.open_study(study=study, actor="tests")
    judge(study, annotator=AnnotatorFactory(study=study))
    study = lifecycle.close_study(study=study, actor="tests")

    text = judgments_bytes(study).decode()

    assert ",'=1+1," in text
    assert ",=1+1," not in text
    assert json.loads(render(study, "json"))["clusters"]["prompts"] == 6


def test_queries_do_not_grow_with_the_judgments():

    counts = []
    for comparisons in (4, 12):
        study = judged_study(comparisons=comparisons)
        with CaptureQueriesContext(connection) as queries:
            render(study, "json")
        counts.append(len(queries))

    assert counts[0] == counts[1]
