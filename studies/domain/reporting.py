"""Reports as rows: asked for, made by one process at a time, kept for good.

What a report says is computed in `studies.reports`; here is who makes it, and that it happens once.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from generation.owners import owner_is_gone
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.versions import versions
from studies.enums import ReportKind, ReportState, StudyStatus, in_sentence
from studies.models import Exclusion, Judgment, Report, ReportFile, Study

TASK = "studies.make_report"
WAITING = (ReportState.QUEUED, ReportState.RUNNING)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A report's files, and what they rest on."""

    files: Mapping[str, bytes]
    judgments: int
    judgments_hash: str
    versions: Mapping[str, str]


def ask_for_report(*, study: Study, actor: str) -> Report:
    """Return the report that is being made, or the newest if nothing has come since, or a new one, queued.

    One that failed is queued again under its number.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        _require_unblinded(study)
        last = newest_report(study)
        if last and _is_of_all(last):
            return last
        if last and last.state == ReportState.FAILED:
            # A report that died often may try as often again.
            changes = {"state": ReportState.QUEUED, "attempts": 0, "error": "", "asked_by": actor}
            Report.objects.filter(pk=last.pk).update(**changes, progress=0, stage="", asked_at=timezone.now())
            last.refresh_from_db()
        elif last is None or last.state == ReportState.DONE:
            last = Report.objects.create(
                study=study,
                number=(last.number if last else 0) + 1,
                asked_by=actor,
                asked_at=timezone.now(),
            )
        number = last.pk
        transaction.on_commit(lambda: call_worker(number))
    return last


def _is_of_all(report: Report) -> bool:
    """Whether a report is finished, final, and of all there is."""
    finished = report.state == ReportState.DONE and report.kind == ReportKind.FINAL
    return finished and not changes_since(report)


def keep_interim(*, study: Study, actor: str, made: Made) -> Report:
    """Store what a look at a study that still collects rests on; it can be read when the study is closed."""
    now = timezone.now()
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        last = newest_report(study)
        report = Report.objects.create(
            study=study,
            number=(last.number if last else 0) + 1,
            kind=ReportKind.INTERIM,
            state=ReportState.RUNNING,
            asked_by=actor,
            asked_at=now,
            claimed_by="look",
            heartbeat_at=now,
            read_at=now,
        )
        keep_report(report.pk, made, owner=report.claimed_by)
    report.refresh_from_db()
    return report


def _require_unblinded(study: Study) -> None:
    if not study.closed:
        message = gettext(
            "“%(study)s” is %(status)s: its report can be made when it is closed, so that "
            "nobody sees results while judgments are still collected. Close it first."
        ) % {"study": study.slug, "status": in_sentence(StudyStatus(study.status).label)}
        raise StudyError(message)


def newest_report(study: Study) -> Report | None:
    """Return the report with the highest number, whatever its state."""
    return Report.objects.filter(study=study).order_by("-number").first()


def changes_since(report: Report) -> tuple[str, ...]:
    """Return what would make another report differ from this one, a sentence each."""
    found = []
    judgments = Judgment.objects.filter(assignment__study=report.study_id).count() - report.judgments
    if judgments:
        words = (
            gettext("Judgments added since: %(number)s.")
            if judgments > 0
            else gettext("Judgments taken back since: %(number)s.")
        )
        found.append(words % {"number": abs(judgments)})
    since = report.read_at or report.asked_at
    changed = Exclusion.objects.filter(study=report.study_id)
    changed = changed.filter(Q(created_at__gt=since) | Q(revoked_at__gt=since))
    if number := changed.count():
        found.append(gettext("Exclusions made or revoked since: %(number)s.") % {"number": number})
    return (*found, *changes_of_versions(report))


def changes_of_versions(report: Report) -> list[str]:
    """Return what has another version than when the report was made, a sentence each."""
    return [
        gettext("It was made by %(name)s %(known)s; now there is %(now)s.")
        % {"name": name, "known": report.versions.get(name, "(none)"), "now": now}
        for name, now in versions().items()
        if report.versions.get(name) != now
    ]


def finished_reports(study: Study, *kinds: ReportKind) -> list[Report]:
    """Return the finished reports, newest first; of some kinds only, if given."""
    done = Report.objects.filter(study=study, state=ReportState.DONE, kind__in=kinds or ReportKind)
    return list(done.order_by("-number"))


def numbered(study: Study, number: int) -> Report:
    """Return a finished report by its number.

    Raises
    ------
    StudyError
        There is none; the message names those that are there.
    """
    done = {report.number: report for report in finished_reports(study)}
    if number not in done:
        known = ", ".join(map(str, sorted(done))) or gettext("none yet")
        raise StudyError(
            gettext("“%(study)s” has no finished report %(number)s. Finished: %(known)s.")
            % {"study": study.slug, "number": number, "known": known}
        )
    return done[number]


def call_worker(report_id: int, *, expires: float | None = None) -> None:
    """Tell the workers; a dead broker does no harm, for their sweep finds whatever waits."""
    try:
        current_app.send_task(TASK, (report_id,), retry=False, expires=expires)
    except Exception as error:  # noqa: BLE001 - whatever the broker's transport raises
        _log.warning("the broker did not take the message, so the next sweep will: %s", error)


def waiting_reports() -> list[int]:
    """Return the reports that somebody should make: queued, or left by a process that is gone."""
    return list(Report.objects.filter(_claimable()).order_by("pk").values_list("pk", flat=True))


def claim_report(report_id: int, *, owner: str) -> Report | None:
    """Take a report to make it; None when it is done, or somebody else is at it.

    A claim whose owner is gone or silent is taken over. One that was left often enough counts as
    failed: it may need more memory than there is.
    """
    now = timezone.now()
    with transaction.atomic():
        free = Report.objects.filter(_claimable(), pk=report_id)
        most = settings.GENERATION_ATTEMPTS
        reason = f"Begun {most} times and never finished: the worker died each time (out of memory?)."
        free.filter(attempts__gte=most).update(state=ReportState.FAILED, error=reason, claimed_by="")
        taken = free.update(
            state=ReportState.RUNNING,
            claimed_by=owner,
            heartbeat_at=now,
            read_at=now,
            attempts=F("attempts") + 1,
            progress=0,
            stage="",
        )
    return Report.objects.select_related("study").get(pk=report_id) if taken else None


def _claimable() -> Q:
    running = Report.objects.filter(state=ReportState.RUNNING)
    owners = running.order_by().values_list("claimed_by", flat=True).distinct()
    gone = [owner for owner in owners if owner_is_gone(owner)]
    silent = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    left = Q(state=ReportState.RUNNING) & (Q(heartbeat_at__lt=silent) | Q(claimed_by__in=gone))
    return Q(state=ReportState.QUEUED) | left


def advance_report(report_id: int, *, owner: str, percent: int, stage: str) -> bool:
    """Say how far a report is; return whether ``owner`` still holds it."""
    return bool(
        _held(report_id, owner).update(progress=percent, stage=stage[:120], heartbeat_at=timezone.now())
    )


def give_report_back(report_id: int, *, owner: str) -> None:
    """Queue a report again that was asked to stop; that is no failed attempt."""
    _held(report_id, owner).update(
        state=ReportState.QUEUED, claimed_by="", attempts=F("attempts") - 1, progress=0, stage=""
    )


def fail_report(report_id: int, *, owner: str, reason: str) -> None:
    """Say why a report could not be made."""
    _held(report_id, owner).update(state=ReportState.FAILED, error=reason, claimed_by="")


def keep_report(report_id: int, made: Made, *, owner: str) -> bool:
    """Store a report for good if ``owner`` still holds it; return whether it did."""
    with transaction.atomic():
        report = Report.objects.select_for_update().filter(pk=report_id).select_related("study").first()
        if report is None or report.state != ReportState.RUNNING or report.claimed_by != owner:
            return False
        ReportFile.objects.bulk_create(_file(report, name, body) for name, body in made.files.items())
        report.state = ReportState.DONE
        report.progress, report.stage, report.made_at = 100, "", timezone.now()
        report.judgments, report.judgments_hash = made.judgments, made.judgments_hash
        report.plan_hash, report.seed = report.study.plan_hash, report.study.seed
        report.versions = dict(made.versions)
        report.save()
        record_event(
            actor=report.asked_by,
            action="report.made",
            study=report.study,
            after={"number": report.number, "kind": report.kind, "judgments_hash": report.judgments_hash},
        )
    return True


def file_of(report: Report, name: str) -> bytes | None:
    """Return a stored file's bytes; None when the report has no such file."""
    found = ReportFile.objects.filter(report=report, name=name).first()
    return zlib.decompress(found.packed) if found else None


def _file(report: Report, name: str, body: bytes) -> ReportFile:
    return ReportFile(
        report=report,
        name=name,
        sha256=sha256(body).hexdigest(),
        size=len(body),
        packed=zlib.compress(body, 6),
    )


def _held(report_id: int, owner: str) -> QuerySet[Report]:
    return Report.objects.filter(pk=report_id, state=ReportState.RUNNING, claimed_by=owner)
