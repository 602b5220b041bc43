"""The faces of a report: HTML, PDF, JSON, CSV, Markdown and LaTeX, all from one summary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from studies.models import Study
from studies.reports.bundle import JUDGMENTS, archive
from studies.reports.codebook import codebook
from studies.reports.errors import ReportError
from studies.reports.export import filename
from studies.reports.pdf import as_pdf
from studies.reports.summary import ReportSummary, Tell, ensure_reportable, report_as_dict, silent, summarize
from studies.reports.tables import latex, markdown, results_csv
from studies.reports.view import report_view

__all__ = [
    "BODY",
    "FORMATS",
    "Drawn",
    "ReportError",
    "ensure_reportable",
    "face_filename",
    "filename",
    "render",
    "report_context",
    "summarize",
]


class Drawn:
    """A report on its way into files: its pictures are drawn once, and each file is made once."""

    def __init__(self, summary: ReportSummary, tell: Tell = silent) -> None:
        self.summary = summary
        self._tell = tell
        self._made: dict[str, bytes] = {}

    @cached_property
    def view(self) -> dict[str, Any]:
        """What the faces lay out that are read by people."""
        self._tell("Drawing the pictures", len(self._made) / len(_ALL))
        return report_view(self.summary)

    def file(self, fmt: str) -> bytes:
        """Return one of `FORMATS`, or `BODY`."""
        if fmt not in self._made:
            self._tell(f"Writing {_ALL[fmt].name}", len(self._made) / len(_ALL))
            self._made[fmt] = _ALL[fmt].make(self)
        return self._made[fmt]


def as_json(drawn: Drawn) -> bytes:
    """Return everything as one JSON object; it holds the fields of `analyze --json` at its top."""
    return (
        json.dumps(report_as_dict(drawn.summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    ).encode()


def as_html(drawn: Drawn) -> bytes:
    """Return one file that needs no other: styles and pictures are inside."""
    context = {"report": drawn.view, "styles": _styles()}
    return render_to_string("reports/report.html", context).encode()


def as_body(drawn: Drawn) -> bytes:
    """Return what the dashboard shows of a report in its own frame."""
    return render_to_string("reports/body.html", {"report": drawn.view}).encode()


@cache
def _styles() -> SafeString:
    """Return the style sheets' text, without the vendored font, which would have to be fetched."""
    folder = Path(settings.BASE_DIR) / "static" / "css"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("tokens.css", "report.css"))
    # Our own files; "</" cannot occur in a style sheet of ours, and a test holds that.
    return mark_safe(re.sub(r"/\*.*?\*/\n?", "", text, flags=re.DOTALL))  # noqa: S308


def recompute_script(_drawn: Drawn) -> bytes:
    """Return the script that computes the results anew from the judgments file alone."""
    return (Path(__file__).parent / "recompute.py").read_bytes()


def everything(drawn: Drawn) -> bytes:
    """Return one archive of the judgments, what they mean, every face, and the script."""
    faces = {face.name: drawn.file(fmt) for fmt, face in FORMATS.items() if fmt != "zip"}
    return archive(drawn.summary, {JUDGMENTS: drawn.summary.data, **faces})


def _of_summary(make: Callable[[ReportSummary], bytes]) -> Callable[[Drawn], bytes]:
    return lambda drawn: make(drawn.summary)


@dataclass(frozen=True, slots=True)
class Face:
    """One form of the report, and how it travels."""

    make: Callable[[Drawn], bytes]
    content_type: str
    name: str
    """Of its file, apart from the study's."""


FORMATS = {
    "html": Face(as_html, "text/html; charset=utf-8", "report.html"),
    "pdf": Face(lambda drawn: as_pdf(drawn.summary, drawn.view), "application/pdf", "report.pdf"),
    "json": Face(as_json, "application/json", "report.json"),
    "csv": Face(_of_summary(results_csv), "text/csv; charset=utf-8", "results.csv"),
    "md": Face(_of_summary(markdown), "text/markdown; charset=utf-8", "report.md"),
    "tex": Face(_of_summary(latex), "application/x-tex; charset=utf-8", "report.tex"),
    "codebook": Face(_of_summary(codebook), "text/markdown; charset=utf-8", "codebook.md"),
    "preregistration": Face(
        _of_summary(lambda summary: summary.preregistration.encode()),
        "text/markdown; charset=utf-8",
        "preregistration.md",
    ),
    "datasheet": Face(
        _of_summary(lambda summary: summary.datasheet.encode()),
        "text/markdown; charset=utf-8",
        "datasheet.md",
    ),
    "recompute": Face(recompute_script, "text/x-python; charset=utf-8", "recompute.py"),
    "zip": Face(everything, "application/zip", "report.zip"),
}
BODY = "body"
"""What the dashboard shows in its own frame; not a form that travels."""
_ALL = FORMATS | {BODY: Face(as_body, "text/html; charset=utf-8", "page")}


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
    return Drawn(summarize(study)).file(fmt)


def face_filename(study: Study, fmt: str, *, number: int | None = None) -> str:
    """Return what the download of one face is called; ``number`` is of a report that is kept."""
    what, _, extension = FORMATS[fmt].name.partition(".")
    return filename(study, what if number is None else f"{what}-{number}", extension)


def report_context(study: Study) -> dict[str, Any]:
    """Return the context of ``reports/body.html``, computed now and kept nowhere."""
    return {"report": report_view(summarize(study))}
