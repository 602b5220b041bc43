"""The faces of a report: HTML, PDF, JSON, CSV, Markdown and LaTeX, all from one summary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from studies.models import Study
from studies.reports.errors import ReportError
from studies.reports.export import filename
from studies.reports.pdf import as_pdf
from studies.reports.summary import ReportSummary, ensure_reportable, report_as_dict, summarize
from studies.reports.tables import latex, markdown, results_csv
from studies.reports.view import report_view

__all__ = ["FORMATS", "ReportError", "ensure_reportable", "filename", "render", "report_context", "summarize"]


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


FORMATS: dict[str, Callable[[ReportSummary], bytes]] = {
    "html": as_html,
    "pdf": as_pdf,
    "json": as_json,
    "csv": results_csv,
    "md": markdown,
    "tex": latex,
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
    return FORMATS[fmt](summarize(study))


def report_context(study: Study) -> dict[str, Any]:
    """Return the context with which a page includes ``reports/body.html``.

    The page links ``css/report.css`` and may add ``downloads``, a list of (name, address).
    """
    return {"report": report_view(summarize(study))}
