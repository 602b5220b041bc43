"""The analysis as plain data: the same object behind ``analyze --json`` and the web report.

Every name is defined in docs/statistics.md. What the data cannot say is None, never a NaN.
"""

from __future__ import annotations

from dataclasses import asdict
from math import sqrt
from typing import Any

from studies.analysis.absence import Absence
from studies.analysis.clusters import Variances
from studies.analysis.further import Heterogeneity, Models
from studies.analysis.heterogeneity import Shrinkage
from studies.analysis.interim import ConfidenceSequence
from studies.analysis.interval import Estimate
from studies.analysis.regression import Adjusted
from studies.analysis.result import Result
from studies.analysis.sentence import (
    equivalence_sentence,
    graded_sentence,
    looks_sentence,
    non_inferiority_sentence,
    sentence,
)
from studies.analysis.several import SeveralArms
from studies.analysis.subgroups import Subgroup
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
        **_bradley_terry(analysis.several),
        "multiplicity": analysis.multiplicity,
        **_looks(analysis),
        "criteria": _criteria(analysis.of_pair(headline.pair)),
        "pairs": [
            {**pair._asdict(), "criteria": _criteria(analysis.of_pair(pair))} for pair in analysis.pairs
        ],
        "several_arms": None if analysis.several is None else several_as_dict(analysis.several),
        "subgroups": [_subgroup(found) for found in analysis.subgroups],
        "robustness": [asdict(row) for row in analysis.robustness],
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
        "p_corrected": result.p_corrected,
        **_over_looks(result),
        **({} if result.steps is None else {"steps": [asdict(step) for step in result.steps]}),
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
        **_models(result.models),
        "heterogeneity": _heterogeneity(result.heterogeneity),
        **_asked("panels", result.panels),
        **_margins(result),
        **_graded(result),
        **_asked("sensitivity", result.sensitivity),
        **_asked("posterior", result.posterior),
        "caveats": list(rate.caveats),
    }


def _over_looks(result: Result) -> dict[str, Any]:
    """Return what holds over all looks, where the plan allowed any."""
    if result.looks is None:
        return {}
    low, high = result.interval
    return {"p_sequential": result.p_sequential, "ci_sequential_low": low, "ci_sequential_high": high}


def _models(found: Models | None) -> dict[str, Any]:
    """Return the models; what has been left out has its reason."""
    if found is None:
        return {}
    length = {"length": _length(found.adjusted)} if found.lengths else {}
    return {"glmm": asdict(found.glmm), "adjusted": asdict(found.adjusted), **length}


def _length(found: Adjusted | Absence) -> dict[str, Any]:
    """Return what the lengths of the texts do, and the win rate were they equal."""
    if isinstance(found, Absence):
        return asdict(found)
    equal, term = found.equal_length, found.length
    return {
        "n": found.n,
        "equal_length_win_rate": equal.win_rate if equal else None,
        "ci_low": equal.ci_low if equal else None,
        "ci_high": equal.ci_high if equal else None,
        "coefficient": term.estimate if term else None,
        "se": term.se if term else None,
        "p_value": term.p_value if term else None,
        "length_sd": found.length_sd,
        "share_prefer_longer": found.share_prefer_longer,
    }


def _asked(name: str, found: Any) -> dict[str, Any]:
    return {} if found is None else {name: asdict(found)}


def _margins(result: Result) -> dict[str, Any]:
    """Return both tests against the margin, where one was given."""
    if result.margins is None:
        return {}
    found = result.margins
    return {
        "non_inferiority": {**asdict(found.non_inferiority), "sentence": non_inferiority_sentence(result)},
        "equivalence": {**asdict(found.equivalence), "sentence": equivalence_sentence(result)},
    }


def _graded(result: Result) -> dict[str, Any]:
    """Return the scores of a graded criterion."""
    found = result.graded
    if found is None:
        return {}
    score = asdict(found.score)
    score["se_parts"] = _se_parts(found.score.variances)
    del score["variances"]
    return {
        "graded": {
            **score,
            "steps_of_scale": found.steps,
            "sentence": graded_sentence(result),
            "signed_rank": asdict(found.signed_rank),
            "ordinal": asdict(found.ordinal),
            "agreement": {"ordinal": asdict(found.alpha_ordinal), "interval": asdict(found.alpha_interval)},
        }
    }


def _looks(analysis: Analysis) -> dict[str, Any]:
    """Return every look, and the rule that they were taken by."""
    found = analysis.looks
    if found is None:
        return {}
    if isinstance(found, Absence):
        return {"interim": asdict(found)}
    made, part = found.monitoring, found.monitoring or found.sequence
    return {
        "interim": {
            "method": found.interim.method,
            "looks_allowed": found.interim.looks,
            "spending": found.interim.spending if made else None,
            "p_value": found.p_value,
            "sentence": looks_sentence(found, analysis.headline),
            "looks": [asdict(look) for look in made.looks] if made else _sequence(found.sequence),
            "stopped_at": made.stopped_at if made else found.sequence and found.sequence.rejected_at,
            "caveats": [*found.caveats, *(part.caveats if part else ())],
        }
    }


def _sequence(found: ConfidenceSequence | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    rows = zip(found.looks, found.low.tolist(), found.high.tolist(), strict=True)
    return [{"annotators": number, "ci_low": low, "ci_high": high} for number, low, high in rows]


def _subgroup(found: Subgroup) -> dict[str, Any]:
    estimate = found.estimate
    return {
        "criterion": found.criterion,
        "candidate": found.candidate,
        "baseline": found.baseline,
        "stratum": found.stratum,
        "n": estimate.n,
        "win_rate": estimate.mean,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "p_value": estimate.p_value,
        "p_bh": found.p_bh,
    }


def _heterogeneity(found: Heterogeneity | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "components": asdict(found.components),
        "annotators": _shrinkage(found.annotators),
        "prompts": _shrinkage(found.prompts),
    }


def _shrinkage(found: Shrinkage | Absence) -> dict[str, Any]:
    """Return the spread and the extremes; each cluster's own rate is in the picture only."""
    if isinstance(found, Absence):
        return asdict(found)
    shrunk = [rate.shrunk for rate in found.rates]
    return {
        "clusters": len(shrunk),
        "mean": found.mean,
        "between_sd": sqrt(found.between),
        "lowest": min(shrunk),
        "highest": max(shrunk),
    }


def _bradley_terry(several: SeveralArms | None) -> dict[str, Any]:
    return {} if several is None else {"bradley_terry": asdict(several.bradley_terry)}


def several_as_dict(several: SeveralArms) -> dict[str, Any]:
    """Return what is said of all candidates together."""
    return {"simultaneous": _band(several), "trend": asdict(several.trend)}


def _band(several: SeveralArms) -> dict[str, Any]:
    band = several.band
    if isinstance(band, Absence):
        return asdict(band)
    columns = zip(
        several.candidates, band.means, band.ci_low, band.ci_high, band.se, band.p_adjusted, strict=True
    )
    names = ("name", "win_rate", "ci_low", "ci_high", "se", "p_adjusted")
    return {
        "critical": band.critical,
        "df": band.df,
        "arms": [dict(zip(names, row, strict=True)) for row in columns],
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
