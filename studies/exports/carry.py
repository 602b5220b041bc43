"""A whole study from an export into this installation: all of it, or nothing."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from generation.requests import ensure_checkpoint
from studies.domain.audit import canonical, event_hash, record_event
from studies.domain.errors import StudyError
from studies.domain.invariants import violations
from studies.domain.plan import frozen_plan
from studies.enums import UNBLINDED, StudyStatus
from studies.exports import log
from studies.exports.archive import Archive, path_of
from studies.exports.carry_rows import carry_rows
from studies.exports.columns import Table
from studies.exports.formats import jsonl_bytes
from studies.exports.package import tables_of
from studies.exports.tables import AUDIT, REPORTS
from studies.files.errors import StudyFileError
from studies.files.importer import lay_out, prompt_row
from studies.files.reader import read_study
from studies.files.schema import PromptEntry
from studies.models import AuditEvent, Origin, Prompt, Report, ReportFile, Study

_STUDY, _FACTS, _PLAN = "study.yaml", "study.json", "plan.json"


def carry_in(path: Path, *, actor: str) -> Study:
    """Take in the study of an export. Errors name file and row; nothing is kept then.

    The study comes in closed, or archived if it was; its log is kept verbatim and is no part of the chain
    here (decision 16).
    """
    with Archive(path) as archive:
        if not archive.manifest.get("unblinded"):
            problem = "it was made before the study was closed, so it has no judgments; import its study.yaml"
            raise StudyFileError(problem, name=archive.name)
        with transaction.atomic():
            study = _draft(archive)
            carry_rows(archive, study)
            _freeze(archive, study)
            _keep_reports(archive, study)
            _keep_log(archive, study)
            _compare(archive, study)
            record_event(
                actor=actor,
                action=log.CARRIED,
                study=study,
                after={"file": archive.name, "manifest": sha256(archive.manifest_bytes).hexdigest()},
            )
    return study


def _facts(archive: Archive) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(archive.read(_FACTS))
        if facts["status"] not in UNBLINDED:
            raise StudyFileError("the study is neither closed nor archived", name=_FACTS, field="status")
        for name in ("opened_at", "closed_at", "unblinded_at"):
            if name != "unblinded_at" or facts[name] is not None:
                facts[name] = datetime.fromisoformat(facts[name])
        facts["extension"] = int(facts["extension"])
        facts["additions"] = int(facts.get("additions", 0))
    except (ValueError, KeyError, TypeError) as error:
        raise StudyFileError("it does not say status and times of the study", name=_FACTS) from error
    return facts


def _draft(archive: Archive) -> Study:
    entry = read_study(archive.read(_STUDY), name=_STUDY)
    if Study.objects.filter(slug=entry.study).exists():
        message = (
            f"There is a study “{entry.study}” here already, and a frozen plan has its name in it. "
            "Import into an installation that has none of that name."
        )
        raise StudyError(message)
    facts = _facts(archive)
    # Rows beyond the plan's are let in for an extension, which may only grow while a study is open.
    study = Study(slug=entry.study, simulated=bool(facts.get("simulated")), extension=facts["extension"])
    study.additions = facts["additions"]
    for name, source in facts.get("checkpoints", {}).items():
        try:
            ensure_checkpoint(name, source)
        except ValueError as error:
            raise StudyFileError(str(error), name=_FACTS, field=f"checkpoints.{name}") from error
    lay_out(study, entry, name=_STUDY)
    if study.additions:
        _add_prompts(study, facts.get("added_prompts", []))
    return study


def _add_prompts(study: Study, added: Any) -> None:
    """Lay out the prompts that were added after opening, behind those of the plan."""
    first, rows = study.prompts.count(), []
    for place, told in enumerate(added if isinstance(added, list) else [None]):
        try:
            number = told["addition"]
            entry = PromptEntry.model_validate({name: told[name] for name in told if name != "addition"})
        except (TypeError, KeyError, ValidationError) as error:
            raise StudyFileError("this is no prompt", name=_FACTS, field=f"added_prompts[{place}]") from error
        if number not in range(1, study.additions + 1):
            problem = "it belongs to no addition of the study"
            raise StudyFileError(problem, name=_FACTS, field=f"added_prompts[{place}].addition")
        rows.append(prompt_row(study, entry, position=first + place, addition=number))
    Prompt.objects.bulk_create(rows, batch_size=1_000)


def _freeze(archive: Archive, study: Study) -> None:
    """Give the study its plan and let it go through its life, as the triggers ask for."""
    facts, plan = _facts(archive), archive.read(_PLAN)
    if sha256(plan).hexdigest() != facts.get("plan_hash"):
        raise StudyFileError(f"its SHA-256 is not the plan_hash of {_FACTS}", name=_PLAN)
    study.plan, study.plan_hash = json.loads(plan), facts["plan_hash"]
    if canonical(frozen_plan(study)) != canonical(study.plan):
        problem = f"it is not the plan of {_STUDY} with these completions and comparisons"
        raise StudyFileError(problem, name=_PLAN)
    study.opened_at, study.closed_at = facts["opened_at"], None
    for status in (StudyStatus.GENERATING, StudyStatus.READY, StudyStatus.OPEN, *UNBLINDED):
        if status == StudyStatus.CLOSED:
            study.closed_at = facts["closed_at"]
        study.status = status
        frozen: dict[str, Any] = {} if study.frozen else {"plan_hash": "", "plan": None, "opened_at": None}
        fields = {name: getattr(study, name) for name in ("plan", "plan_hash", "opened_at", "closed_at")}
        fields["unblinded_at"] = facts["unblinded_at"] if study.frozen else None
        Study.objects.filter(pk=study.pk).update(status=status, **(fields | frozen))
        if status == facts["status"]:
            break


def _keep_reports(archive: Archive, study: Study) -> None:
    for _, cells in archive.rows(REPORTS):
        told = dict(zip(REPORTS.names, cells, strict=True))
        report = Report.objects.create(
            study=study,
            state="running",
            claimed_by="import",
            heartbeat_at=told["made_at"],
            progress=100,
            **told,
        )
        folder = f"reports/{report.number}/"
        for path in archive.paths:
            if path.startswith(folder):
                body = archive.read(path)
                ReportFile.objects.create(
                    report=report,
                    name=path.removeprefix(folder),
                    sha256=sha256(body).hexdigest(),
                    size=len(body),
                    packed=zlib.compress(body, 6),
                )
        if not report.files.exists():
            raise StudyFileError("the report’s files are not there", name=folder)
        Report.objects.filter(pk=report.pk).update(state="done")


def _keep_log(archive: Archive, study: Study) -> None:
    """Keep the foreign log as it came, once each entry was held against its hash."""
    for number, cells in archive.rows(AUDIT):
        entry = AuditEvent(**dict(zip(AUDIT.names, cells, strict=True)))
        if entry.hash != event_hash(entry):
            problem = "the entry does not say what its hash was made of"
            raise StudyFileError(problem, name=path_of(AUDIT), line=number, field="hash")
    text = archive.read(path_of(AUDIT))
    Origin.objects.create(
        study=study,
        carried_in_at=timezone.now(),
        manifest_hash=sha256(archive.manifest_bytes).hexdigest(),
        log_hash=sha256(text).hexdigest(),
        log=zlib.compress(text, 6),
    )


def _compare(archive: Archive, study: Study) -> None:
    """Write every table anew and hold it against the file, line by line: what was read is what was said."""
    study.refresh_from_db()
    for table in tables_of(study, personal=bool(archive.manifest.get("personal"))):
        _compare_table(archive, study, table)
    first = next(violations(study), None)
    if first:
        raise StudyFileError(f"the study does not hold together: {first}", name=archive.name)


def _compare_table(archive: Archive, study: Study, table: Table) -> None:
    written = (
        line for chunk in jsonl_bytes(table, table.rows(study)) for line in chunk.splitlines(keepends=True)
    )
    for number, (given, made) in enumerate(zip_longest(archive.lines(table), written), start=1):
        if given != made:
            column = _differing(table, given, made)
            problem = "this does not fit the study’s other files"
            raise StudyFileError(problem, name=path_of(table), line=number, field=column)


def _differing(table: Table, given: bytes | None, made: bytes | None) -> str:
    if given is None or made is None:
        return ""
    one, other = json.loads(given), json.loads(made)
    return next((name for name in table.names if one.get(name) != other.get(name)), "")
