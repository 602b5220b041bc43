"""Everything that a report says, computed once: the judgments file is read as any other is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.analysis.as_json import analysis_as_dict
from studies.analysis.judgments_file import parse_judgments
from studies.analysis.planning import Power
from studies.analysis.sentence import sentence
from studies.analysis.summary import Analysis, analyze
from studies.domain.conduct import Conduct, conduct
from studies.domain.versions import versions
from studies.models import Judgment, Study
from studies.queries.audit import logged
from studies.reports.care import Care, care
from studies.reports.datasheet import datasheet
from studies.reports.design import Design, design
from studies.reports.deviations import deviations
from studies.reports.effort import Effort, effort
from studies.reports.errors import ReportError
from studies.reports.export import iso, judgments_bytes
from studies.reports.flow import AppliedRule, Flow, applied_rules, flow
from studies.reports.looks import LookTaken, looks_taken, settings_of
from studies.reports.planned import planned
from studies.reports.preregistration import preregistration

_HEAD = 2**20
"""Bytes of a judgments file in which a second line is looked for."""
Tell = Callable[[str, float], None]
"""Is told what is done now, and how much of it is done, from 0 to 1."""


def silent(_stage: str, _share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a reader needs to trust the numbers, or to redo them."""

    simulated: bool
    plan_hash: str
    opened_at: str
    closed_at: str
    seed: int
    data_sha256: str
    """Of the judgments file as it is downloaded."""
    refused_changes: int
    """How often somebody tried to change the frozen plan."""
    exclusions: tuple[AppliedRule, ...]
    looks: tuple[LookTaken, ...]
    """Every look that was taken before the end."""
    deviations: tuple[str, ...]
    """What differs from the frozen plan, as far as the program can see."""
    software: dict[str, str]


@dataclass(frozen=True, slots=True)
class AnnotatorCount:
    """How much an annotator judged; times are of whole comparisons."""

    pseudonym: str
    judgments: int
    median_seconds: float | None
    excluded: bool
    care: Care


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """A report's content, before any face."""

    slug: str
    title: str
    description: str
    headline: str
    integrity: Integrity
    flow: Flow
    design: Design
    effort: Effort
    analysis: Analysis | None
    """None when a closed study has no judgments."""
    annotators: tuple[AnnotatorCount, ...]
    planned: Power | None
    """What the plan reckoned with."""
    preregistration: str
    datasheet: str
    """Two forms to attach to a paper, as Markdown."""
    data: bytes
    """The judgments file itself."""
    number: int | None = None
    """Of a report that is kept."""

    @property
    def scales(self) -> dict[str, float]:
        """The guidance scale of each arm."""
        return {arm.name: float(arm.decoding.get("guidance_scale", 1)) for arm in self.design.arms}


def ensure_reportable(study: Study) -> None:
    """Refuse the report of a study that is not closed: reading it would unblind the researchers.

    Raises
    ------
    ReportError
    """
    if not study.closed:
        message = (
            f"“{study.slug}” is {study.get_status_display().lower()}: its report can be read when it is "
            "closed, so that nobody sees results while judgments are still collected. Close it first."
        )
        raise ReportError(message)


def summarize(study: Study, tell: Tell = silent) -> ReportSummary:
    """Compute the report of a closed study.

    Raises
    ------
    ReportError
        The study is not closed.
    """
    ensure_reportable(study)
    data = judgments_bytes(study, tell)
    tell("Computing", 0.6)
    analysis = analysis_of(study, data)
    how = conduct(study)
    counts = flow(
        study,
        how=how,
        excluded=analysis.excluded if analysis else 0,
        analysed=analysis.analysed if analysis else 0,
    )
    return ReportSummary(
        slug=study.slug,
        title=study.title,
        description=study.description,
        headline=_headline(study, analysis),
        integrity=_integrity(study, data, counts),
        flow=counts,
        design=design(study),
        effort=effort(study),
        analysis=analysis,
        annotators=_annotators(study, how),
        planned=planned((study.plan or {}).get("document", {})),
        preregistration=preregistration(study),
        datasheet=datasheet(study, counts),
        data=data,
    )


def analysis_of(study: Study, data: bytes) -> Analysis | None:
    """Return the analysis of a judgments file as the study's plan wants it; None when it has no rows."""
    judgments = parse_judgments(data) if data.count(b"\n", 0, _HEAD) > 1 else None
    return analyze(judgments, settings_of(study, judgments)) if judgments else None


def _headline(study: Study, analysis: Analysis | None) -> str:
    text = sentence(analysis.headline) if analysis else "This study was closed without a single judgment."
    return f"SIMULATED: {text}" if study.simulated else text


def _integrity(study: Study, data: bytes, counts: Flow) -> Integrity:
    looks = looks_taken(study)
    return Integrity(
        simulated=study.simulated,
        plan_hash=study.plan_hash,
        opened_at=iso(study.opened_at) if study.opened_at else "",
        closed_at=iso(study.closed_at) if study.closed_at else "",
        seed=study.seed,
        data_sha256=sha256(data).hexdigest(),
        refused_changes=len(logged(study, "plan.change_refused")),
        exclusions=applied_rules(study),
        looks=looks,
        deviations=deviations(study, counts, looks),
        software=versions(),
    )


def _annotators(study: Study, how: Mapping[int, Conduct]) -> tuple[AnnotatorCount, ...]:
    spent = _medians(study)
    excluded = {rule.who for rule in applied_rules(study)}
    keys = dict(study.annotators.values_list("pseudonym", "pk"))
    careful = care(how, seed=study.seed)
    return tuple(
        AnnotatorCount(
            pseudonym=pseudonym,
            judgments=spent[keys[pseudonym]][0],
            median_seconds=spent[keys[pseudonym]][1],
            excluded=pseudonym in excluded,
            care=careful[keys[pseudonym]],
        )
        for pseudonym in sorted(keys)
        if keys[pseudonym] in spent
    )


def _medians(study: Study) -> dict[int, tuple[int, float | None]]:
    """Return how much each annotator judged, and the median seconds of a whole comparison."""
    columns = ("assignment__annotator_id", "assignment_id", "active_ms")
    rows = Judgment.objects.filter(assignment__study=study).values_list(*columns).iterator()
    # As numbers, for there may be a million.
    table = np.fromiter(
        ((annotator, assignment, np.nan if ms is None else ms) for annotator, assignment, ms in rows),
        dtype=[("annotator", np.int64), ("assignment", np.int64), ("ms", np.float64)],
    )
    table = table[np.lexsort((table["assignment"], table["annotator"]))]
    people, starts = np.unique(table["annotator"], return_index=True)
    own = np.split(table, starts[1:]) if len(people) else []
    return {person: (len(part), _median(part)) for person, part in zip(people.tolist(), own, strict=True)}


def _median(part: NDArray[Any]) -> float | None:
    """Return the median seconds; the criteria of a comparison are answered together and have one time."""
    once = part["ms"][np.diff(part["assignment"], prepend=-1) != 0]
    known = once[~np.isnan(once)]
    return float(np.median(known)) / 1000 if len(known) else None


def report_as_dict(summary: ReportSummary) -> dict[str, Any]:
    """Return the report as plain data: the analysis as `analyze --json` prints it, and what surrounds it."""
    analysis = analysis_as_dict(summary.analysis) if summary.analysis else {}
    return {
        "study": summary.slug,
        "report": summary.number,
        "title": summary.title,
        "simulated": summary.integrity.simulated,
        "headline": summary.headline,
        **analysis,
        "integrity": asdict(summary.integrity),
        "flow": asdict(summary.flow),
        "design": asdict(summary.design),
        "effort": asdict(summary.effort),
        "planned_power": None if summary.planned is None else asdict(summary.planned),
        "annotators": [asdict(row) for row in summary.annotators],
    }
