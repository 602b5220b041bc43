"""What the report's faces lay out: the headline, and the sections in their order."""

from __future__ import annotations

from typing import Any

from studies.analysis.result import Result
from studies.reports import (
    methods,
    sections,
    sections_effort,
    sections_forms,
    sections_models,
    sections_more,
    sections_plan,
    sections_study,
)
from studies.reports.document import Section
from studies.reports.summary import ReportSummary


def report_view(summary: ReportSummary) -> dict[str, Any]:
    """Return the context of ``reports/body.html``, to be handed in as ``report``."""
    return {
        "title": summary.title,
        "slug": summary.slug,
        "number": summary.number,
        "simulated": summary.integrity.simulated,
        "headline": _claim(summary.headline),
        "caveats": _caveats(summary),
        "sections": _sections(summary),
    }


def _sections(summary: ReportSummary) -> list[Section]:
    return [
        *sections.results(summary),
        *sections_plan.order(summary),
        *sections_plan.looks(summary),
        *sections_more.margins(summary),
        *sections_plan.graded(summary),
        *sections_more.several_arms(summary),
        *sections.robustness(summary),
        *sections.position(summary),
        *sections_models.models(summary),
        *sections_more.heterogeneity(summary),
        *sections_plan.strata(summary),
        *sections_models.power(summary),
        sections_study.flow(summary),
        sections_study.design(summary),
        *sections_effort.effort(summary),
        sections_study.integrity(summary),
        *sections_study.annotators(summary),
        methods.methods(summary),
        methods.recomputation(summary),
        *sections_forms.forms(summary),
    ]


def _claim(headline: str) -> tuple[str, str]:
    """Return what is claimed and, apart, the figures that it rests on."""
    claim, parenthesis, figures = headline.partition(" (ties ")
    return claim, f"{parenthesis.strip()} {figures}" if parenthesis else ""


def _caveats(summary: ReportSummary) -> list[str]:
    if not summary.analysis:
        return []
    several = len(summary.analysis.results) > 1
    own = (
        f"{_name(result)}: {caveat}" if several else caveat
        for result in summary.analysis.results
        for caveat in result.rate.caveats
    )
    return [*summary.analysis.caveats, *dict.fromkeys(own)]


def _name(result: Result) -> str:
    return f"{result.criterion} ({result.pair.candidate})"
