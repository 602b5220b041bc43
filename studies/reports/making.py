"""A report made once and kept, with its progress told; and made again, byte for byte, to check it."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from zipfile import ZipFile

from django.db import Error, connection

from generation.owners import new_owner
from generation.runs import Stopped
from studies.domain.errors import StudyError
from studies.domain.reporting import (
    Made,
    advance_report,
    ask_for_report,
    claim_report,
    fail_report,
    file_of,
    give_report_back,
    keep_report,
)
from studies.enums import ReportKind, ReportState
from studies.models import Report, Study
from studies.reports.bundle import JUDGMENTS
from studies.reports.errors import ReportError
from studies.reports.facts import pack, unpack
from studies.reports.looks import DATA, LOOK, analysis_at, numbers_of
from studies.reports.render import BODY, FORMATS, Drawn
from studies.reports.summary import ReportSummary, analysis_of, summarize

BEAT_SECONDS = 1.0
FACTS = "facts"
"""The file of what was known besides the judgments; only this module reads it."""
_KEPT = (FACTS, DATA, LOOK)
"""What files are made of, and not made anew."""
_SUMMARY, _FILES = (1, 60), (60, 99)
"""The percentages that reading and computing go through, and then the files."""
_log = logging.getLogger(__name__)


class _LostError(Exception):
    """Somebody else has taken the report over."""


def make_report(report_id: int, *, check: Callable[[], None] = lambda: None) -> None:
    """Make a report that is waiting, and store it. Harmless to call twice: one caller gets it.

    Parameters
    ----------
    check
        Is called between steps; raises `Stopped` to give the report back.
    """
    owner = new_owner()
    report = claim_report(report_id, owner=owner)
    if report is None:
        return
    try:
        with _telling(report.pk, owner, check) as tell:
            made = _made(report, tell)
        keep_report(report.pk, made, owner=owner)
    except Stopped:
        give_report_back(report.pk, owner=owner)
    except _LostError:
        _log.warning("report %s was taken over while it was made", report.pk)
    except Exception as error:  # noqa: BLE001 - whatever it is, the row has to say it
        _log.exception("report %s could not be made", report.pk)
        fail_report(report.pk, owner=owner, reason=_reason(error))


def report_now(*, study: Study, actor: str) -> Report:
    """Return a finished report of everything there is, made by this process unless another is at it.

    Raises
    ------
    ReportError
        It could not be made.
    """
    report = ask_for_report(study=study, actor=actor)
    while report.state != ReportState.DONE:
        make_report(report.pk)
        report.refresh_from_db()
        if report.state == ReportState.FAILED:
            raise ReportError(f"Report {report.number} could not be made: {report.error}")
        if report.state != ReportState.DONE:
            time.sleep(BEAT_SECONDS)
    return report


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())
    if isinstance(error, StudyError):
        return words
    return f"{type(error).__name__}: {words}"[:500] if words else type(error).__name__


Say = Callable[[str, float], None]


@dataclass(slots=True)
class _Now:
    """What the thread of heartbeats writes down."""

    stage: str = ""
    percent: int = 0
    lost: bool = False


@contextmanager
def _telling(report_id: int, owner: str, check: Callable[[], None]) -> Iterator[Callable[[str, int], None]]:
    """Yield a function that says what is done now, and keep the claim alive meanwhile.

    Another thread writes it down, because a step can take long, and because SQLite lets nobody write
    on a connection that is in the middle of reading. Inside a transaction nobody could see it.
    """
    now, ended = _Now(), threading.Event()

    def tell(stage: str, percent: int) -> None:
        check()
        if now.lost:
            raise _LostError
        now.stage, now.percent = stage, percent

    thread = threading.Thread(target=_beat, args=(report_id, owner, now, ended), daemon=True)
    alive = not connection.in_atomic_block
    if alive:
        thread.start()
    try:
        yield tell
    finally:
        ended.set()
        if alive:
            thread.join()


def _beat(report_id: int, owner: str, now: _Now, ended: threading.Event) -> None:
    try:
        while not ended.wait(BEAT_SECONDS):
            try:
                held = advance_report(report_id, owner=owner, percent=now.percent, stage=now.stage)
                now.lost = not held
            except Error as error:
                _log.warning("the progress of a report could not be written: %s", error)
    finally:
        connection.close()


def _within(tell: Callable[[str, int], None], span: tuple[int, int]) -> Say:
    first, last = span
    return lambda stage, share: tell(stage, round(first + (last - first) * min(1.0, share)))


def _made(report: Report, tell: Callable[[str, int], None]) -> Made:
    summary = replace(summarize(report.study, _within(tell, _SUMMARY)), number=report.number)
    facts = pack(replace(summary, analysis=None, data=b""))
    return Made(
        files={**_files(summary, _within(tell, _FILES)), FACTS: facts},
        judgments=summary.flow.judgments,
        judgments_hash=summary.integrity.data_sha256,
        versions=summary.integrity.software,
    )


def _files(summary: ReportSummary, tell: Say) -> dict[str, bytes]:
    drawn = Drawn(summary, tell)
    return {name: drawn.file(name) for name in (*FORMATS, BODY)}


def regenerate(report: Report) -> dict[str, bytes]:
    """Return every file of a stored report, computed anew from its own judgments, the plan and the seed.

    Raises
    ------
    ReportError
        The report is not done, or was made by a version that kept other facts.
    """
    if report.kind == ReportKind.INTERIM:
        return _interim(report)
    archive, facts = file_of(report, "zip"), file_of(report, FACTS)
    if archive is None or facts is None:
        raise ReportError(f"Report {report.number} is not done, so there is nothing to compare with.")
    try:
        known = unpack(facts)
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        by = f"Report {report.number} is by Evenhand {report.versions['evenhand']}, which kept other facts"
        raise ReportError(f"{by}: {error}") from error
    with ZipFile(io.BytesIO(archive)) as packed:
        name = next(name for name in packed.namelist() if name.endswith(f"/{JUDGMENTS}"))
        data = packed.read(name)
    summary = replace(known, analysis=analysis_of(report.study, data), data=data)
    return _files(summary, lambda _stage, _share: None)


def _interim(report: Report) -> dict[str, bytes]:
    """Return the numbers of a look again, from the judgments as they were."""
    data, told = file_of(report, DATA) or b"", json.loads(file_of(report, LOOK) or b"{}")
    return {"json": numbers_of(report.study, analysis_at(report.study, data, told["look"]), told)}


def differing(report: Report) -> list[str]:
    """Return the stored files that come out differently today; none when all is as it was."""
    made = {name: sha256(body).hexdigest() for name, body in regenerate(report).items()}
    stored = dict(report.files.exclude(name__in=_KEPT).values_list("name", "sha256"))
    return [name for name in stored if made.get(name) != stored[name]]
