"""Everything of a report in one archive: the same study gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from studies.reports.summary import ReportSummary

JUDGMENTS = "judgments.csv"
_README = """{simulated}{title}

report.html      the report; opens offline
report.pdf       the same on paper
report.json      every printed number in full
report.md        tables in Markdown
report.tex       tables in LaTeX
results.csv      one row per criterion and pair of arms
judgments.csv    what every number rests on, one row per judgment
codebook.md      what its columns mean
preregistration.md  what the plan fixed before the first judgment
datasheet.md     who judged what, and how (HEDS), with blanks for what only you know
recompute.py     computes the results anew from judgments.csv, with numpy and scipy alone:

    python recompute.py judgments.csv --against report.json

SHA256SUMS       sha256sum --check SHA256SUMS
"""


def archive(summary: ReportSummary, contents: Mapping[str, bytes]) -> bytes:
    """Return a ZIP of ``contents`` (by name) with a README and the sum of every file."""
    simulated = "SIMULATED: a program judged, not people.\n\n" if summary.integrity.simulated else ""
    readme = _README.format(simulated=simulated, title=summary.title).encode()
    files = {"README.txt": readme, **contents}
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    moment = datetime.fromisoformat(summary.integrity.closed_at).astimezone(UTC)
    folder = "SIMULATED-" * summary.integrity.simulated + summary.slug
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as made:
        for name, data in {**files, "SHA256SUMS": sums.encode()}.items():
            entry = ZipInfo(f"{folder}/{name}", moment.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3  # the same header on every system
            entry.external_attr = 0o644 << 16
            made.writestr(entry, data)
    return buffer.getvalue()
