"""The analysis as plain data: the same object behind ``analyze --json`` and the web report.

Every name is defined in docs/statistics.md. What the data cannot say is None, never a NaN.
"""

from __future__ import annotations

from dataclasses import asdict
from math import sqrt
from typing import Any

from studies.analysis.clusters import Variances
from studies.analysis.interval import Estimate
from studies.analysis.result import Result
from studies.analysis.sentence import sentence
from studies.analysis.summary import Analysis


def analysis_as_dict(analysis: Analysis) -> dict[str, Any]:
    """Return the headline's fields at the top, and every result below."""
    headline = analysis.headline
    top = result_as_dict(headline)
    return {
        "sentence": sentence(headline),
        "criterion": headline.criterion,
        "candidate": headline.pair.candidate,
        "baseline": headline.pair.baseline,
        "alpha": analysis.alpha,
        "seed": analysis.seed,
        "judgments": {
            "total": analysis.judgments,
            "analysed": analysis.analysed,
            "excluded": analysis.excluded,
        },
        **top,
        "criteria": _criteria(analysis.of_pair(headline.pair)),
        "pairs": [
            {**pair._asdict(), "criteria": _criteria(analysis.of_pair(pair))} for pair in analysis.pairs
        ],
        "caveats": [*analysis.caveats, *headline.rate.caveats],
    }


def _criteria(results: tuple[Result, ...]) -> dict[str, Any]:
    return {result.criterion: result_as_dict(result) for result in results}


def result_as_dict(result: Result) -> dict[str, Any]:
    """Return one criterion of one pair."""
    rate, estimate = result.rate, result.rate.estimate
    return {
        "n": estimate.n,
        "wins": rate.wins,
        "ties": rate.ties,
        "both_bad": rate.both_bad,
        "losses": rate.losses,
        "win_rate": estimate.mean,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "se": estimate.se,
        "se_from": estimate.se_from,
        "se_parts": _se_parts(estimate.variances),
        "df": estimate.df,
        "statistic": estimate.statistic,
        "p_value": estimate.p_value,
        "p_holm": result.p_holm,
        "decision": result.decision,
        "method": estimate.method,
        "ties_rule": rate.ties_rule,
        "design_effect": estimate.design_effect,
        "effective_n": estimate.effective_n,
        "net": rate.net,
        "decided_win_rate": rate.decided.mean,
        "decided_ci_low": rate.decided.ci_low,
        "decided_ci_high": rate.decided.ci_high,
        "naive": asdict(rate.naive),
        "clusters": {"annotators": estimate.annotators, "prompts": estimate.prompts},
        "position": _position(rate.position),
        "agreement": asdict(rate.agreement),
        "caveats": list(rate.caveats),
    }


def _se_parts(variances: Variances) -> dict[str, float | None]:
    """Return standard errors; None for a variance that is unknown or below zero."""
    return {
        name: None if value is None or value < 0 else sqrt(value) for name, value in asdict(variances).items()
    }


def _position(share: Estimate) -> dict[str, float | int | None]:
    return {
        "n": share.n,
        "share_a": share.mean,
        "ci_low": share.ci_low,
        "ci_high": share.ci_high,
        "p_value": share.p_value,
    }
