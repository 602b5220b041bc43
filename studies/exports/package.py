"""Everything of a study as a list of files that are made while they are taken, and as a ZIP of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.conf import settings

from studies.domain.audit import canonical, record_event
from studies.domain.errors import StudyError
from studies.domain.plan import prompt_entry
from studies.domain.reporting import file_of, finished_reports
from studies.exports import log
from studies.exports.codebook import codebook_json, codebook_md
from studies.exports.columns import Row, Table, moment
from studies.exports.formats import FORMATS
from studies.exports.sink import Sink
from studies.exports.tables import ALWAYS, PERSONAL, UNBLINDED
from studies.files.writer import export_study
from studies.models import Study
from studies.reports.export import named
from studies.reports.preregistration import preregistration

VERSION = 1
MANIFEST = "manifest.json"
_README = """{name}

study.yaml       the study file; imports anywhere as a draft
study.json       what the study file does not say: status, times
plan.json        the frozen plan, canonical; its SHA-256 is the plan's hash
preregistration.md  the same plan for people
tables/          judgments, completions and all others, each as CSV, JSON Lines and Parquet
personal/        recruiting ids and survey answers; only where they were asked for
reports/         each stored report with all its files
codebook.md      what every column means
manifest.json    every file with its SHA-256 and its number of rows

The whole comes into another installation with: manage.py study import-all FILE.zip
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One file: where it belongs, and its bytes, which can be taken once."""

    path: str
    chunks: Iterable[bytes]
    counted: Counted | None = None


class Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows."""
        for row in self._rows:
            self.number += 1
            yield row


def tables_of(study: Study, *, personal: bool) -> tuple[Table, ...]:
    """Return the tables that may be had now: those that name arms only once the study is closed."""
    return ALWAYS + UNBLINDED * study.unblinded + PERSONAL * personal


def parts(study: Study, *, personal: bool) -> Iterator[Part]:
    """Yield every file, the manifest last."""
    files: list[dict[str, Any]] = []
    for part in _contents(study, personal=personal):
        digest, size = sha256(), 0

        def passing(part: Part = part, digest: Any = digest) -> Iterator[bytes]:
            nonlocal size
            for chunk in part.chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        yield Part(part.path, passing())
        rows = {"rows": part.counted.number} if part.counted else {}
        files.append({"path": part.path, "bytes": size, "sha256": digest.hexdigest(), **rows})
    _refuse_moving(study, files)
    manifest = {
        "evenhand_export": VERSION,
        "evenhand": settings.VERSION,
        "study": study.slug,
        "simulated": study.simulated,
        "unblinded": study.unblinded,
        "personal": personal,
        "files": files,
    }
    yield Part(MANIFEST, [(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()])


def _refuse_moving(study: Study, files: list[dict[str, Any]]) -> None:
    """Refuse an export whose formats of one table do not have the same number of rows."""
    found: dict[str, set[int]] = {}
    for file in files:
        if "rows" in file:
            found.setdefault(str(file["path"]).rpartition(".")[0], set()).add(file["rows"])
    for name, numbers in found.items():
        if len(numbers) > 1:
            message = f"“{study.slug}” changed while {name} was written. Export it again."
            raise StudyError(message)


def _contents(study: Study, *, personal: bool) -> Iterator[Part]:
    tables = tables_of(study, personal=personal)
    yield Part("README.txt", [_README.format(name=named(study)).encode()])
    yield Part("study.yaml", [export_study(study).encode()])
    yield Part("study.json", [facts(study)])
    if study.frozen:
        yield Part("preregistration.md", [_form(study)])
    if study.unblinded:
        # Its hashes of texts by arm would tell who compares them with the blinded pairs which wrote what.
        yield Part("plan.json", [canonical(study.plan).encode()])
    yield Part("codebook.md", [codebook_md(tables)])
    yield Part("codebook.json", [codebook_json(tables)])
    for table in tables:
        folder = "personal" if table in PERSONAL else "tables"
        for ending, write in FORMATS.items():
            rows = Counted(table.rows(study))
            yield Part(f"{folder}/{table.name}.{ending}", write(table, rows), rows)
    if study.unblinded:
        yield from _reports(study)


def _form(study: Study) -> bytes:
    """Return the pre-registration; from the canonical plan, since databases change the order of keys."""
    told = copy(study)
    told.plan = json.loads(canonical(study.plan))
    return preregistration(told).encode()


def facts(study: Study) -> bytes:
    """Return what the study file does not say of a study."""
    told = {
        "study": study.slug,
        "status": study.status,
        "simulated": study.simulated,
        "plan_hash": study.plan_hash,
        "opened_at": moment(study.opened_at) if study.opened_at else None,
        "closed_at": moment(study.closed_at) if study.closed_at else None,
        "unblinded_at": moment(study.unblinded_at) if study.unblinded_at else None,
        "extension": study.extension,
        **_additions(study),
        "checkpoints": dict(
            study.arms.filter(checkpoint__endpoint={}).values_list("checkpoint__name", "checkpoint__source")
        ),
    }
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def _additions(study: Study) -> dict[str, Any]:
    """Return the prompts that were added after opening, which the study file and the plan do not have."""
    added = study.prompts.exclude(addition=0)
    found = [{"addition": one.addition, **prompt_entry(one)} for one in added] if study.additions else []
    return {"additions": study.additions, "added_prompts": found} if study.additions else {}


def _reports(study: Study) -> Iterator[Part]:
    for report in reversed(finished_reports(study)):
        for name in report.files.values_list("name", flat=True):
            yield Part(f"reports/{report.number}/{name}", [file_of(report, name) or b""])


def zip_bytes(study: Study, *, personal: bool) -> Iterator[bytes]:
    """Yield a ZIP of everything while it is made; the same study gives the same bytes."""
    sink = Sink()
    folder = folder_of(study)
    with ZipFile(sink, "w") as archive:
        for part in parts(study, personal=personal):
            entry = ZipInfo(f"{folder}/{part.path}")
            # Parquet is packed already; the header is the same on every system.
            entry.compress_type = ZIP_STORED if part.path.endswith(".parquet") else ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                for chunk in part.chunks:
                    file.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def folder_of(study: Study) -> str:
    """Return what an export is called; a simulated study says so."""
    return f"{'SIMULATED-' * study.simulated}{study.slug}-export"


def note_export(study: Study, *, actor: str, personal: bool) -> None:
    """Keep in the log who took everything out, and whether personal data went with it."""
    told = {"unblinded": study.unblinded, "personal": personal}
    record_event(actor=actor, action=log.EXPORTED, study=study, after=told)


def write_export(study: Study, out: Path, *, actor: str, personal: bool) -> Path:
    """Write everything into a new folder, or into a ZIP when ``out`` ends so. All of it, or nothing."""
    if out.exists():
        message = (
            f"{out} is there already. Name a file or folder that is not, so that nothing is overwritten."
        )
        raise StudyError(message)
    note_export(study, actor=actor, personal=personal)
    with TemporaryDirectory(dir=out.parent, prefix=".export-") as made:
        target = Path(made) / "export"
        if out.suffix.lower() == ".zip":
            with target.open("wb") as file:
                file.writelines(zip_bytes(study, personal=personal))
        else:
            for part in parts(study, personal=personal):
                path = target / part.path
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    file.writelines(part.chunks)
        target.rename(out)
    return out
