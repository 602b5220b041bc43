"""The report on paper: whole, its own typeface, SIMULATED on each page."""

import shutil
import subprocess

import pytest

from studies.domain import lifecycle
from studies.reports.pdf import plain
from studies.reports.render import Drawn, render
from studies.reports.summary import summarize
from tests.factories import open_study
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db
needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext reads PDFs back")


def pages(made, tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(made)
    read = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return read.stdout.decode().rstrip("\f").split("\f")


def test_it_is_a_pdf_with_our_typeface(drawn):
    made = drawn.file("pdf")

    assert made.startswith(b"%PDF-")
    assert b"SourceSans3-Regular" in made


@needs_poppler
def test_the_page_says_the_headline_and_every_section(tmp_path):
    study = judged_study(title="A & B: *not bold*, #not code")
    exclude(study)
    drawn = Drawn(summarize(study))
    view = plain(drawn.view)

    text = " ".join(" ".join(pages(drawn.file("pdf"), tmp_path)).split())

    assert "A & B: *not bold*, #not code" in text
    assert "Below two seconds." in text
    for section in view["sections"]:
        assert section["title"] in text
    numbers = [
        cell for s in view["sections"] for b in s["blocks"] if "rows" in b for r in b["rows"] for cell in r
    ]
    intervals = [cell for cell in numbers if cell.startswith("[")]
    assert len(intervals) > 10
    assert [cell for cell in intervals if cell not in text] == []


@needs_poppler
def test_simulated_stands_on_every_page(drawn_simulated, tmp_path):
    found = pages(drawn_simulated.file("pdf"), tmp_path)

    assert len(found) > 1
    assert all("SIMULATED" in page for page in found)


@needs_poppler
def test_a_study_without_judgments_still_has_a_paper(tmp_path):
    study = lifecycle.close_study(study=open_study(), actor="tests")

    assert "closed without a single judgment" in " ".join(
        " ".join(pages(render(study, "pdf"), tmp_path)).split()
    )


def test_several_arms_each_bring_their_pictures():
    drawn = Drawn(summarize(judged_study(arms=("standard", "mild", "strong"))))
    files = [
        block["file"]
        for s in plain(drawn.view)["sections"]
        for block in s["blocks"]
        if block["kind"] == "plot"
    ]

    assert len(files) == len(set(files)) >= 4
    assert drawn.file("pdf").startswith(b"%PDF-")
