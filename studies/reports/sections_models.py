"""The sections of models beside the headline, of power, and of belief."""

from __future__ import annotations

from typing import Any

from studies.analysis.absence import Absence
from studies.analysis.covariance import Contrast
from studies.analysis.planning import Power
from studies.analysis.result import Result
from studies.analysis.summary import Analysis
from studies.reports import figures as f
from studies.reports.document import Items, Plot, Prose, Section, Table, present, table
from studies.reports.many import called, left_out, shown, told_once
from studies.reports.panel_plot import length_picture
from studies.reports.power_plot import power_picture
from studies.reports.summary import ReportSummary


def models(summary: ReportSummary) -> list[Section]:
    """Return what side, length and order do, and the mixed model, for every result."""
    analysis = summary.analysis
    if analysis is None or not any(result.models for result in analysis.results):
        return []
    fitted = [result for result in shown(analysis.results, analysis) if result.models]
    headline = analysis.headline
    drawn = length_picture(headline, simulated=summary.integrity.simulated)
    blocks = present(
        Prose(
            "Models of decided judgments, beside the headline and never instead of it. Length may be how "
            "guidance works, so the win rate at equal length is a sensitivity and not the truth."
        ),
        left_out(analysis.results, analysis),
        Plot(drawn) if drawn else None,
        _adjusted(fitted, analysis),
        _mixed(fitted, analysis),
        _notes(fitted, analysis),
    )
    return [Section("models", "Side, length, order and a mixed model", blocks)]


def _adjusted(results: list[Result], analysis: Analysis) -> Table | None:
    rows = []
    for result in results:
        found = result.models.adjusted if result.models else None
        if found is None or isinstance(found, Absence):
            continue
        rows.append(
            (
                called(result, analysis),
                *_effect(found.side),
                *_effect(found.length),
                *_effect(found.order),
                *_rate(found.side_standardised),
                *_rate(found.equal_length),
                f.share(found.share_prefer_longer),
            )
        )
    return table(
        "Table of side, length and order",
        (
            *("Criterion", "Slot A", "p", "Longer", "p", "Later", "p"),
            *("Sides equal", "Interval", "Equal length", "Interval", "Longer text preferred"),
        ),
        rows,
        caption=(
            "One logit clustered by annotator and prompt. Log-odds for the candidate: in slot A against "
            "slot B; per unit of tanh(difference in tokens over its standard deviation); per standard "
            "deviation of the number of comparisons judged before. Win rates if both sides, or both "
            "lengths, were equal."
        ),
    )


def _effect(found: Contrast | None) -> tuple[Any, Any]:
    return (f.NONE, f.NONE) if found is None else (f.decimal(found.estimate), f.p_value(found.p_value))


def _rate(found: Any) -> tuple[Any, Any]:
    return (
        (f.NONE, f.NONE)
        if found is None
        else (f.share(found.win_rate), f.interval(found.ci_low, found.ci_high))
    )


def _mixed(results: list[Result], analysis: Analysis) -> Table | None:
    rows = []
    for result in results:
        found = result.models.glmm if result.models else None
        if found is None or isinstance(found, Absence):
            continue
        rows.append(
            (
                called(result, analysis),
                f.count(found.n),
                f.decimal(found.intercept, 3),
                f.decimal(found.se, 3),
                f.p_value(found.p_value),
                f.decimal(found.var_annotator, 3),
                f.decimal(found.var_prompt, 3),
                f.share(found.marginal_win_rate),
                f.interval(found.marginal_ci_low, found.marginal_ci_high),
            )
        )
    return table(
        "Table of the mixed model",
        (
            *("Criterion", "Decided", "Log-odds", "Standard error", "p", "Variance, annotators"),
            *("Variance, prompts", "Marginal win rate", "Interval"),
        ),
        rows,
        caption="Logistic model with crossed random intercepts of annotators and prompts (Laplace).",
    )


def _notes(results: list[Result], analysis: Analysis) -> Items | None:
    """Return every reason and caveat once, with the results that it is of."""
    said = [
        (called(result, analysis), text)
        for result in results
        for found in ((result.models.glmm, result.models.adjusted) if result.models else ())
        for text in ((found.reason,) if isinstance(found, Absence) else found.caveats)
    ]
    return Items(told_once(said, len(results)), small=True) if said else None


def power(summary: ReportSummary) -> list[Section]:
    """Return what the study could have shown, and an approximate belief, for the headline."""
    analysis = summary.analysis
    if analysis is None:
        return []
    found, belief = analysis.headline.sensitivity, analysis.headline.posterior
    if found is None or isinstance(found, Absence):
        return []
    drawn = power_picture(found, analysis.alpha, summary.planned, simulated=summary.integrity.simulated)
    blocks = present(
        Plot(drawn),
        _planned(summary.planned, analysis.headline),
        _belief(belief),
    )
    return [Section("power", "What the study could have shown", blocks)]


def _planned(power: Power | None, headline: Result) -> Table | None:
    """Return the plan beside what came of it."""
    if power is None:
        return None
    seen, found = headline.rate.estimate, headline.sensitivity
    least = None if found is None or isinstance(found, Absence) else found.smallest_detectable
    rows = [
        ("Judgments", f.count(power.design.judgments), f.count(seen.n)),
        ("Annotators", f.count(power.design.annotators), f.count(seen.annotators)),
        ("Prompts", f.count(power.design.prompts), f.count(seen.prompts)),
        ("Design effect", f.decimal(power.design_effect), f.decimal(seen.design_effect)),
        ("Effective n", f.decimal(power.effective_n, 0), f.decimal(seen.effective_n, 0)),
        ("Standard error", f.decimal(power.se, 4), f.decimal(seen.se, 4)),
        ("Power at the expected win rate", f.probability(power.power), f.NONE),
        ("Win rate shown with 80 % power", f.NONE, "none" if found and least is None else f.share(least)),
    ]
    return table(
        "Table of planned and achieved power",
        ("Precision", "Planned", "Achieved"),
        rows,
        caption=(
            "The design effect that was assumed beside the one that was seen. Power at the win rate that was "
            "observed would only restate the p-value, so it is not given."
        ),
    )


def _belief(found: Any) -> Table | None:
    if found is None or isinstance(found, Absence):
        return None
    rows = [
        ("Mean", f.share(found.mean)),
        ("Credible interval", f.interval(found.low, found.high)),
        ("Probability that the candidate is preferred", f.probability(found.p_above_half)),
    ]
    if found.margin is not None:
        rows += [
            ("Probability of a win rate within the margin", f.probability(found.p_equivalent)),
            ("Probability of not worse by the margin", f.probability(found.p_not_worse)),
        ]
    return table(
        "Table of belief",
        ("Belief about the win rate", "Approximate"),
        rows,
        caption=f"A beta posterior worth {found.trials:.0f} independent judgments; approximate.",
    )
