"""Verbs from opening on: status, open, pause, close, link, simulate, report, judgments."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import OutputWrapper
from tqdm import tqdm

from studies.domain import lifecycle
from studies.domain.conduct import conduct
from studies.domain.errors import StudyError
from studies.domain.invariants import violations
from studies.domain.invites import annotators_link, limit_invite, renew_invite
from studies.domain.quality import apply_rules
from studies.domain.reporting import changes_of_versions, file_of, finished_reports, numbered
from studies.enums import StudyStatus
from studies.management.study_base import ACTOR, Options, Verb, find, slug
from studies.models import Study
from studies.queries.status import status
from studies.reports import export, render
from studies.reports.looks import take_look
from studies.reports.making import differing, report_now
from studies.reports.preregistration import preregistration
from studies.reports.reasons import reasons_csv
from studies.reports.summary import ensure_reportable
from studies.reports.survey import survey_csv
from studies.simulation.behaviour import Crowd
from studies.simulation.run import simulate

_UNSAID = object()
"""What a missing --until is, since none of its values may be."""


def _status_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _status(out: OutputWrapper, options: Options) -> None:
    facts = status(find(options))
    if options["json"]:
        out.write(json.dumps(facts))
        return
    for name, value in facts.items():
        said = (
            ", ".join(f"{part} {count}" for part, count in value.items())
            if isinstance(value, dict)
            else value
        )
        out.write(f"{name + ':':13}{said}")


def _check(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    first = next(violations(study), None)
    if first:
        raise StudyError(f"“{study.slug}”: {first}")
    out.write(f"{study.slug}: every invariant holds")


def _mover(move: Callable[..., Study]) -> Callable[[OutputWrapper, Options], None]:
    def run(out: OutputWrapper, options: Options) -> None:
        study = move(study=find(options), actor=ACTOR)
        out.write(f"{study.slug}: {study.get_status_display().lower()}")

    return run


def _open(*, study: Study, actor: str) -> Study:
    """Open a ready study, or a paused one again."""
    verb = lifecycle.resume_study if study.status == StudyStatus.PAUSED else lifecycle.open_study
    return verb(study=study, actor=actor)


def _link_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--new", action="store_true", help="withdraw the link and make another")
    parser.add_argument(
        "--until",
        type=_moment,
        default=_UNSAID,
        metavar="TIME",
        help="admit newcomers until then: 2026-12-31T18:00, or “open”",
    )


def _moment(text: str) -> datetime | None:
    if text == "open":
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no time: write 2026-12-31T18:00, or “open”") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _link(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    if options["new"]:
        study = renew_invite(study=study, actor=ACTOR)
    if options["until"] is not _UNSAID:
        study = limit_invite(study=study, until=options["until"], actor=ACTOR)
    out.write(annotators_link(study))


def _rate(text: str) -> tuple[str, float]:
    criterion, _, number = text.rpartition("=")
    try:
        rate = float(number)
    except ValueError:
        rate = -1
    if not 0 < rate < 1:
        raise ArgumentTypeError(f"“{text}” is no win rate: write 0.7, or CRITERION=0.7, between 0 and 1")
    return criterion, rate


def _simulate_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--annotators", type=int, default=8, metavar="N", help="how many (default 8)")
    parser.add_argument(
        "--win-rate",
        type=_rate,
        action="append",
        metavar="P",
        help="true win rate of the candidate among decided judgments, or CRITERION=P (default 0.7)",
    )
    parser.add_argument("--comparisons", type=int, metavar="N", help="per annotator (default: the quota)")
    parser.add_argument("--tie-rate", type=float, default=0.15, metavar="P")
    parser.add_argument("--position-bias", type=float, default=0.1, metavar="LOGIT")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--url", default=settings.SITE_URL, help="where the site answers (default %(default)s)"
    )


def _simulate(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    if options["annotators"] < 1 or not 0 <= options["tie_rate"] <= 1 or options["seed"] < 0:
        raise StudyError("--annotators is at least 1, --tie-rate between 0 and 1, --seed at least 0.")
    crowd = Crowd(
        seed=options["seed"],
        win_rates=dict(options["win_rate"] or [("", 0.7)]),
        tie_rate=options["tie_rate"],
        position_bias=options["position_bias"],
    )
    comparisons = options["comparisons"] or study.quota
    with tqdm(unit=" comparisons", disable=None) as bar:
        made = simulate(
            study=study,
            crowd=crowd,
            url=options["url"].rstrip("/"),
            annotators=options["annotators"],
            comparisons=comparisons,
            done=bar.update,
        )
    out.write(f"{study.slug}: {made} comparisons judged by {options['annotators']} SIMULATED annotators")


def _report_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--format", choices=sorted(render.FORMATS), default="html")
    parser.add_argument("--number", type=int, metavar="N", help="one made before (default: of all there is)")
    parser.add_argument("--out", metavar="PATH", type=Path, required=True)


def _report(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    ensure_reportable(study)
    options["out"].parent.stat()  # a folder that is missing is told before minutes are spent
    number = options["number"]
    report = report_now(study=study, actor=ACTOR) if number is None else numbered(study, number)
    data = file_of(report, options["format"])
    if data is None:
        raise StudyError(f"Report {report.number} has no {options['format']}: it is of an older Evenhand.")
    options["out"].write_bytes(data)
    out.write(f"written: {options['out']}")


def _regenerate_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--number", type=int, metavar="N", help="one report (default: all)")


def _regenerate(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    number = options["number"]
    chosen = [numbered(study, number)] if number is not None else finished_reports(study)
    changed = {}
    for report in chosen:
        changed[report.number] = differing(report)
        told = (
            f"differs in {', '.join(changed[report.number])}" if changed[report.number] else "the same bytes"
        )
        out.write(f"report {report.number}: {told}")
        for sentence in changes_of_versions(report):
            out.write(f"  {sentence}")
    if any(changed.values()):
        raise StudyError("Not every file came out as it was stored; the stored ones are unchanged.")


def _quality(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    if study.checks:
        _reliability(out, study)
    excluded = apply_rules(study=study, actor=ACTOR)
    for exclusion in excluded:
        who = exclusion.annotator.pseudonym if exclusion.annotator else ""
        out.write(f"{who}: {exclusion.rule}: {exclusion.reason}")
    out.write(f"{study.slug}: {len(excluded)} newly excluded")


def _reliability(out: OutputWrapper, study: Study) -> None:
    """Print what the checks say of each annotator: the posterior, not only a count."""
    names = dict(study.annotators.values_list("pk", "pseudonym"))
    for pk, how in conduct(study).items():
        told = how.reliability
        if told.posterior_mean is not None:
            between = f"{told.posterior_low:.2f} to {told.posterior_high:.2f}"
            out.write(
                f"{names[pk]}: reliability {told.posterior_mean:.2f} ({between}), "
                f"{how.passed} of {how.checks} checks passed"
            )


def _look(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    look = take_look(study=study, actor=ACTOR)
    answer = "the rule allows to stop" if look.stop else "go on"
    out.write(f"{study.slug}: look {look.number} at {look.judgments} judgments: {answer}")


def _preregistration(out: OutputWrapper, options: Options) -> None:
    options["out"].write_text(preregistration(find(options)), encoding="utf-8")
    out.write(f"written: {options['out']}")


def _survey(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    if not study.survey:
        message = f"“{study.slug}” asks no survey."
        raise StudyError(message)
    options["out"].write_text(survey_csv(study), encoding="utf-8", newline="")
    out.write(f"written: {options['out']}")


def _reasons(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    ensure_reportable(study)
    options["out"].write_text(reasons_csv(study), encoding="utf-8", newline="")
    out.write(f"written: {options['out']}")


def _judgments_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)


def _judgments(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    if not study.unblinded:
        ensure_reportable(study)
    with options["out"].open("w", encoding="utf-8", newline="") as file:
        file.writelines(export.judgment_lines(study))
    out.write(f"written: {options['out']}")


VERBS = (
    Verb("status", "say where a study stands", _status, _status_arguments),
    Verb("check", "verify every invariant of a study from its rows", _check, slug),
    Verb("open", "freeze the plan and let annotators in; or resume a paused study", _mover(_open), slug),
    Verb("pause", "serve no further comparison", _mover(lifecycle.pause_study), slug),
    Verb("close", "end the collection for good", _mover(lifecycle.close_study), slug),
    Verb("archive", "put a closed study away", _mover(lifecycle.archive_study), slug),
    Verb("link", "print the annotators' address, or make another", _link, _link_arguments),
    Verb("simulate", "let simulated annotators judge at the real site", _simulate, _simulate_arguments),
    Verb("report", "write the report of a closed study", _report, _report_arguments),
    Verb("regenerate", "make stored reports anew and compare", _regenerate, _regenerate_arguments),
    Verb("preregistration", "write what the plan fixes", _preregistration, _judgments_arguments),
    Verb("look", "hold the judgments so far against the plan's rule for looks", _look, slug),
    Verb("quality", "exclude annotators by the rules that the plan fixed", _quality, slug),
    Verb("survey", "write the survey's answers as CSV", _survey, _judgments_arguments),
    Verb("reasons", "write the reasons of a closed study as CSV", _reasons, _judgments_arguments),
    Verb("judgments", "write the judgments of a closed study as CSV", _judgments, _judgments_arguments),
)
