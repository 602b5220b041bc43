"""What the report's faces lay out: the headline, and the sections in their order."""

from __future__ import annotations

from typing import Any

from studies.analysis.summary import Analysis
from studies.reports import (
    methods,
    sections,
    sections_design,
    sections_effort,
    sections_forms,
    sections_models,
    sections_more,
    sections_pairs,
    sections_plan,
    sections_study,
)
from studies.reports.document import Section
from studies.reports.many import called, many_pairs, told_once
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
        *_results(summary),
        *sections_plan.order(summary),
        *sections_plan.looks(summary),
        *sections_more.margins(summary),
        *sections_plan.scores(summary),
        *sections_more.several_arms(summary),
        *sections.robustness(summary),
        *sections.position(summary),
        *sections_models.models(summary),
        *sections_more.heterogeneity(summary),
        *sections_plan.strata(summary),
        *sections_models.power(summary),
        sections_study.flow(summary),
        sections_design.design(summary),
        *sections_effort.effort(summary),
        sections_study.integrity(summary),
        *sections_study.annotators(summary),
        methods.methods(summary),
        methods.recomputation(summary),
        *sections_forms.forms(summary),
    ]


def _results(summary: ReportSummary) -> list[Section]:
    analysis = summary.analysis
    if analysis is not None and many_pairs(analysis):
        return sections_pairs.results(summary, analysis)
    return sections.results(summary)


def _claim(headline: str) -> tuple[str, str]:
    """Return what is claimed and, apart, the figures that it rests on."""
    claim, parenthesis, figures = headline.partition(" (ties ")
    return claim, f"{parenthesis.strip()} {figures}" if parenthesis else ""


def _caveats(summary: ReportSummary) -> list[str]:
    if not summary.analysis:
        return []
    analysis = summary.analysis
    results = analysis.results
    if many_pairs(analysis):
        return [*analysis.caveats, *_caveats_of_many(analysis)]
    own = ((called(result, analysis), caveat) for result in results for caveat in result.rate.caveats)
    return [*analysis.caveats, *told_once(own, len(results))]


def _caveats_of_many(analysis: Analysis) -> list[str]:
    """Return the caveats of the headline's pair, and how many other results have some."""
    own = analysis.of_pair(analysis.headline.pair)
    named = ((called(result, analysis), caveat) for result in own for caveat in result.rate.caveats)
    said = told_once(named, len(own))
    number = sum(
        bool(result.rate.caveats) for result in analysis.results if result.pair != analysis.headline.pair
    )
    rest = f"{number} results of other pairs have caveats of their own; report.json lists them."
    return [*said, rest] if number else list(said)
