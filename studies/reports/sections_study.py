"""The study's sections: who and what took part, what was planned, and why to trust it."""

from __future__ import annotations

from typing import Any

from studies.reports import figures as f
from studies.reports.document import Facts, Items, Plot, Prose, Section, Table, present, table
from studies.reports.flow import Flow
from studies.reports.flow_chart import flow_picture
from studies.reports.looks import LookTaken
from studies.reports.summary import ReportSummary

ALPHA = 0.05
"""At which care is told of when a study has no judgments to analyse."""


def flow(summary: ReportSummary) -> Section:
    """Return how many of everything there were."""
    heads = ("Step", "Count", "Left at this step")
    made = table("Table of the flow", heads, flow_steps(summary.flow), folded="The same in figures")
    drawn = Plot(flow_picture(summary.flow, simulated=summary.integrity.simulated))
    return Section("flow", "Flow", present(drawn, made))


def _care(flow: Flow) -> list[tuple[str, Any, str]]:
    """Return how attention checks and repeats went, in a study that has some."""
    steps = (
        ("Attention checks answered", flow.checks_answered, flow.checks_passed, "{} not passed"),
        ("Swapped repeats answered", flow.repeats_answered, flow.repeats_alike, "{} answered differently"),
    )
    return [
        (name, f.count(number), words.format(number - good) if number > good else "")
        for name, number, good, words in steps
        if number
    ]


def flow_steps(flow: Flow) -> list[tuple[str, Any, str]]:
    """Return the steps of the flow: words, count, and what left at this step."""
    gone = [
        (flow.completions_failed, "{} could not be written"),
        (flow.identical_pairs, "{} of identical texts: automatic ties, not shown and not in the win rate"),
        (flow.assignments_planned - flow.assignments_filled, "{} not filled"),
        (flow.annotators_declined, "{} declined"),
        (flow.annotators_excluded, "{} excluded by rule"),
        (flow.skips, "{} comparisons were skipped"),
    ]
    failed, identical, unfilled, declined, excluded, skipped = (
        words.format(n) if n else "" for n, words in gone
    )
    left_out = [
        f"{flow.judgments_of_checks} of checks and repeats" if flow.judgments_of_checks else "",
        f"{flow.judgments_excluded} excluded by rule" if flow.judgments_excluded else "",
    ]
    screened = f"{flow.annotators_screened} screened out" if flow.annotators_screened else ""
    return [
        ("Prompts", f.count(flow.prompts), ""),
        ("Completions", f.count(flow.completions), failed),
        ("Comparisons", f.count(flow.comparisons), identical),
        ("Assignments planned", f.count(flow.assignments_planned), unfilled),
        ("Assignments filled", f.count(flow.assignments_filled), skipped),
        ("Annotators who came", f.count(flow.annotators_arrived), declined),
        ("Annotators who consented", f.count(flow.annotators_consented), screened),
        ("Annotators who judged", f.count(flow.annotators_judged), excluded),
        *_care(flow),
        ("Judgments", f.count(flow.judgments), ", ".join(filter(None, left_out))),
        ("Judgments analysed", f.count(flow.judgments_analysed), ""),
    ]


def integrity(summary: ReportSummary) -> Section:
    """Return what a reader needs to trust the numbers, or to redo them."""
    facts = summary.integrity
    rows = (
        *((("Data", "SIMULATED"),) if facts.simulated else ()),
        ("Plan (SHA-256)", facts.plan_hash),
        ("Frozen and opened", facts.opened_at),
        ("Closed and unblinded", facts.closed_at),
        (
            "Looks at the data before closing",
            _looks(facts.looks),
        ),
        ("Changes of the plan refused", f.count(facts.refused_changes)),
        ("Seed", f.seed(facts.seed)),
        ("Judgments file (SHA-256)", facts.data_sha256),
        ("Software", ", ".join(f"{name} {version}" for name, version in facts.software.items())),
    )
    exclusions = tuple(
        f"{rule.who}: {rule.rule}, {rule.at}" + (f". “{rule.reason}”" if rule.reason else "")
        for rule in facts.exclusions
    )
    listed = Items(exclusions, title="Exclusions") if exclusions else None
    seen = facts.deviations or ("None that the program can see.",)
    deviations = Items(seen, title="Deviations from the frozen plan")
    return Section("integrity", "Integrity", present(Facts(rows), deviations, listed), boxed=True)


def _looks(taken: tuple[LookTaken, ...]) -> str:
    if not taken:
        return "none through this site: it shows results of closed studies only"
    said = (
        f"{look.at[:16].replace('T', ' ')} UTC at {look.judgments} judgments"
        f" ({'may stop' if look.stop else 'go on'})"
        for look in taken
    )
    return f"{len(taken)}, which told only whether the rule allows to stop: {'; '.join(said)}"


def annotators(summary: ReportSummary) -> list[Section]:
    """Return how much each annotator judged, and with how much care."""
    people = "1 annotator" if len(summary.annotators) == 1 else f"{len(summary.annotators)} annotators"
    made = table(
        "Table of annotators",
        ("Annotator", "Judgments", "Median seconds", "Excluded"),
        [
            (
                row.pseudonym,
                f.count(row.judgments),
                f.decimal(row.median_seconds, 1),
                "yes" if row.excluded else "no",
            )
            for row in summary.annotators
        ],
        folded=f"Judgments of each of {people}",
    )
    if made is None:
        return []
    return [
        Section(
            "annotators",
            "Annotators",
            present(Prose(_cared(summary)), Prose(_ordered(summary)), made, _care_table(summary)),
        )
    ]


def _cared(summary: ReportSummary) -> str:
    people = [row.care for row in summary.annotators]
    alpha = summary.analysis.alpha if summary.analysis else ALPHA
    low = sum(one.p_agreement is not None and one.p_agreement >= alpha for one in people)
    shared = sum(one.p_agreement is not None for one in people)
    one_sided = sum(one.one_side_only for one in people)
    return (
        f"{one_sided} of {len(people)} annotators chose the same slot in every decided judgment (of six or "
        f"more). Of {shared} who shared comparisons with others, {low} did not agree with them beyond what "
        "their own mix of answers gives by chance; a minority taste looks the same. Nothing in this section "
        "excludes anybody."
    )


def _ordered(summary: ReportSummary) -> str:
    apart = [row.care.order_imbalance for row in summary.annotators]
    within = sum(one <= 1 for one in apart)
    rest = f"; at most {max(apart)} apart for the others" if within < len(apart) else ""
    return (
        "Each comparison is planned in both orders of the sides equally often. As far as the answers of an "
        f"annotator go, the orders are equal, within one, for {within} of {len(apart)} annotators{rest}."
    )


def _care_table(summary: ReportSummary) -> Table | None:
    return table(
        "Table of annotators' care",
        (
            *("Annotator", "Checks passed", "Plausible rate", "Repeats alike", "Agrees with others"),
            *("By chance", "p", "Slot A", "p (Holm)"),
        ),
        [
            (
                row.pseudonym,
                f.of(f.count(row.care.passed), f.count(row.care.checks)),
                f.interval(row.care.posterior_low, row.care.posterior_high),
                f.of(f.count(row.care.alike), f.count(row.care.repeats)),
                f.share(row.care.agreement_others),
                f.share(row.care.agreement_expected),
                f.p_value(row.care.p_agreement),
                f.of(f.count(row.care.chose_a), f.count(row.care.decided)),
                f.p_value(row.care.p_side),
            )
            for row in summary.annotators
        ],
        folded="Care of each annotator",
        caption=(
            "On the primary criterion. Plausible rate: posterior of passing a check, from a uniform prior. "
            "By chance: agreement when the annotator’s own answers are dealt to the comparisons at random; "
            "its p is one-sided. Slot A: among decided judgments."
        ),
    )
