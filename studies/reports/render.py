"""The faces of a report: HTML, PDF, JSON, CSV, Markdown and LaTeX, all from one summary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from studies.models import Study
from studies.reports.bundle import archive
from studies.reports.codebook import codebook
from studies.reports.errors import ReportError
from studies.reports.export import filename
from studies.reports.pdf import as_pdf
from studies.reports.summary import ReportSummary, ensure_reportable, report_as_dict, summarize
from studies.reports.tables import latex, markdown, results_csv
from studies.reports.view import report_view

__all__ = [
    "FORMATS",
    "ReportError",
    "ensure_reportable",
    "face_filename",
    "filename",
    "render",
    "report_context",
    "summarize",
]


def as_json(summary: ReportSummary) -> bytes:
    """Return everything as one JSON object; it holds the fields of `analyze --json` at its top."""
    return (
        json.dumps(report_as_dict(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    ).encode()


def as_html(summary: ReportSummary) -> bytes:
    """Return one file that needs no other: styles and pictures are inside."""
    context = {"report": report_view(summary), "styles": _styles()}
    return render_to_string("reports/report.html", context).encode()


@cache
def _styles() -> SafeString:
    """Return the style sheets' text, without the vendored font, which would have to be fetched."""
    folder = Path(settings.BASE_DIR) / "static" / "css"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("tokens.css", "report.css"))
    # Our own files; "</" cannot occur in a style sheet of ours, and a test holds that.
    return mark_safe(re.sub(r"/\*.*?\*/\n?", "", text, flags=re.DOTALL))  # noqa: S308


def recompute_script(_summary: ReportSummary) -> bytes:
    """Return the script that computes the results anew from the judgments file alone."""
    return (Path(__file__).parent / "recompute.py").read_bytes()


def everything(summary: ReportSummary) -> bytes:
    """Return one archive of the judgments, what they mean, every face, and the script."""
    faces = {face.name: face.make(summary) for fmt, face in FORMATS.items() if fmt != "zip"}
    return archive(summary, {"judgments.csv": summary.data, **faces})


@dataclass(frozen=True, slots=True)
class Face:
    """One form of the report, and how it travels."""

    make: Callable[[ReportSummary], bytes]
    content_type: str
    name: str
    """Of its file, apart from the study's."""


FORMATS = {
    "html": Face(as_html, "text/html; charset=utf-8", "report.html"),
    "pdf": Face(as_pdf, "application/pdf", "report.pdf"),
    "json": Face(as_json, "application/json", "report.json"),
    "csv": Face(results_csv, "text/csv; charset=utf-8", "results.csv"),
    "md": Face(markdown, "text/markdown; charset=utf-8", "report.md"),
    "tex": Face(latex, "application/x-tex; charset=utf-8", "report.tex"),
    "codebook": Face(codebook, "text/markdown; charset=utf-8", "codebook.md"),
    "recompute": Face(recompute_script, "text/x-python; charset=utf-8", "recompute.py"),
    "zip": Face(everything, "application/zip", "report.zip"),
}


def render(study: Study, fmt: str) -> bytes:
    """Return a closed study's report in one of `FORMATS`.

    Raises
    ------
    ReportError
        The study is not closed, or there is no such format.
    """
    if fmt not in FORMATS:
        message = f"There is no report format “{fmt}”; there are: {', '.join(FORMATS)}."
        raise ReportError(message)
    return FORMATS[fmt].make(summarize(study))


def face_filename(study: Study, fmt: str) -> str:
    """Return what the download of one face is called."""
    what, _, extension = FORMATS[fmt].name.partition(".")
    return filename(study, what, extension)


def report_context(study: Study) -> dict[str, Any]:
    """Return the context with which a page includes ``reports/body.html``.

    The page links ``css/report.css`` and may add ``downloads``, a list of (name, address).
    """
    return {"report": report_view(summarize(study))}
